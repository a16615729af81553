const PROBES_PER_TABLE = [1, 2, 4, 7, 12, 20, 35, 60, 100, 200, 400]
const TABLES = 10

/** @type {import('./rival.mjs').Rival} */
export const FALCONN = {
  id: 'falconn',
  name: 'FALCONN',
  runtime: 'python',
  adapter: 'falconn_rival.py',
  batches: true,
  parallel: false,
  plans: ({ rows, metric, quick }) => {
    // About the logarithm of the rows, as its manual has it, and fewer for harder points.
    const bits = Math.max(8, Math.round(Math.log2(rows)))
    const variants = [{ family: 'hyperplane', bits }, { family: 'cross-polytope', bits: bits - 2 }]
    return (quick ? variants.slice(0, 1) : variants).map((variant) => ({
      name: `${variant.family}, ${variant.bits} bits, L = ${TABLES}`,
      options: { ...variant, tables: TABLES, centred: metric === 'euclidean' },
      settings: () => PROBES_PER_TABLE.filter((_, place) => !quick || place % 2 === 0).map((probes) => ({ probes: probes * TABLES })),
    }))
  },
}
