/** @type {import('./rival.mjs').Rival} */
export const ANNOY = {
  id: 'annoy',
  name: 'Annoy',
  runtime: 'python',
  adapter: 'annoy_rival.py',
  batches: false,
  parallel: true,
  plans: ({ quick }) => [{
    name: '50 trees',
    options: { trees: 50 },
    settings: () => (quick ? [1000, 4000, 16000] : [500, 1000, 2000, 4000, 8000, 16000, 32000]).map((nodes) => ({ nodes })),
  }],
}
