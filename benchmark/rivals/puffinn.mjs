/** @type {import('./rival.mjs').Rival} */
export const PUFFINN = {
  id: 'puffinn',
  name: 'PUFFINN',
  runtime: 'python',
  adapter: 'puffinn_rival.py',
  batches: true,
  parallel: false,
  plans: ({ dim, metric, quick }) => {
    // Its own points take two bytes a dimension; the rest is for tables, of about 20 bytes a vector.
    const bytesPerVector = 2 * dim + 1300
    const recalls = quick ? [0.5, 0.9] : [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98]
    /** @param {readonly number[]} refinements */
    const settings = (refinements) => () => refinements.flatMap((refine) => recalls.map((recall) => ({ recall, refine })))
    return metric === 'cosine'
      ? [{ name: 'cosine', options: { bytesPerVector, centred: false }, settings: settings([0]) }]
      : [false, true].map((centred) => ({
        name: `${centred ? 'centred ' : ''}cosine, put in order by distance`,
        options: { bytesPerVector, centred },
        settings: settings(quick ? [4] : [3, 6]),
      })).slice(quick ? 1 : 0)
  },
}
