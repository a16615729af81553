import { EF_CONSTRUCTION, graphSettings } from './graph-settings.mjs'

/** @typedef {import('./rival.mjs').Rival} Rival */

const PROBES = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192]
/** For plans that have a second number to vary. */
const FEWER_PROBES = [2, 4, 8, 12, 16, 32, 64, 128]
const QUICK_PROBES = [1, 4, 8, 16, 32, 64]
const FAISS = /** @type {const} */ ({ runtime: 'python', adapter: 'faiss_rival.py', batches: true, parallel: true })

/** @type {Rival} */
export const FAISS_HNSW = {
  ...FAISS,
  id: 'faiss-hnsw',
  name: 'FAISS HNSW',
  plans: ({ quick }) => (quick ? [16] : [16, 32]).map((M) => (
    { name: `M = ${M}`, options: { kind: 'hnsw', M, efConstruction: EF_CONSTRUCTION }, settings: graphSettings(quick) }
  )),
}

/** @type {Rival} */
export const FAISS_IVF = {
  ...FAISS,
  id: 'faiss-ivf',
  name: 'FAISS IVF-flat',
  plans: ({ rows, quick }) => listCounts(rows, quick).map((lists) => (
    { name: `${lists} lists`, options: { kind: 'ivf', lists }, settings: () => (quick ? QUICK_PROBES : PROBES).map((probes) => ({ probes })) }
  )),
}

/** @type {Rival} */
export const FAISS_IVF_PQ = {
  ...FAISS,
  id: 'faiss-ivf-pq',
  name: 'FAISS IVF-PQ fast scan',
  plans: ({ rows, dim, quick }) => {
    const [lists] = listCounts(rows, true)
    return productParts(dim).slice(0, quick ? 1 : 2).map((parts) => ({
      name: `${lists} lists, PQ${parts}x4`,
      options: { kind: 'ivf-pq', lists, parts },
      settings: () => (quick ? [10] : [4, 10, 30, 100]).flatMap((refine) => (
        (quick ? QUICK_PROBES : FEWER_PROBES).map((probes) => ({ probes, refine }))
      )),
    }))
  },
}

/** @type {Rival} */
export const FAISS_LSH = {
  ...FAISS,
  id: 'faiss-lsh',
  name: 'FAISS IndexLSH',
  plans: ({ quick }) => (quick ? [256] : [256, 512]).map((bits) => (
    { name: `${bits} bits`, options: { kind: 'lsh', bits }, settings: () => [2, 5, 10, 20, 40, 80, 160].map((refine) => ({ refine })) }
  )),
}

/** @type {Rival} */
export const FAISS_FLAT = {
  ...FAISS,
  id: 'faiss-flat',
  name: 'FAISS flat (exact)',
  plans: () => [{ name: 'flat', options: { kind: 'flat' }, settings: () => [{}], exact: true }],
}

/**
 * Inverted lists near the square root of the rows, where FAISS's guidelines put them, and more of them.
 *
 * @param {number} rows
 * @param {boolean} quick
 * @returns {number[]}
 */
function listCounts(rows, quick) {
  const near = 2 ** Math.round(Math.log2(Math.sqrt(rows)))
  return quick ? [near] : [near, 4 * near]
}

/**
 * @param {number} dim
 * @returns {number[]} codes of 4 bits a vector: one for two dimensions, and one for each where those are few or for four where they are many
 */
function productParts(dim) {
  return [2, dim <= 128 ? 1 : 4].filter((each) => dim % each === 0).map((each) => dim / each)
}
