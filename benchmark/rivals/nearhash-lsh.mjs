import { readCollection } from '../datasets/collection.mjs'
import { rowsOf } from './material.mjs'
import { storedBytes } from './nearhash-index.mjs'

const PROBES = [0, 2, 5, 10, 20, 40, 80, 160, 320]
const QUICK_PROBES = [0, 10, 40, 160]

/**
 * SRP where the metric is cosine, L2 where it is Euclidean: textbook hashing that ranks every candidate.
 *
 * @type {import('./rival.mjs').Rival}
 */
export const TEXTBOOK_LSH = {
  id: 'lsh',
  name: 'nearhash SRP/L2',
  runtime: 'node',
  adapter: 'nearhash-lsh.mjs',
  batches: true,
  parallel: true,
  plans: ({ quick, rows }) => {
    const chosen = { name: 'k and L chosen by fit', options: {}, settings: () => (quick ? QUICK_PROBES : PROBES).map((probes) => ({ probes })) }
    if (quick) return [chosen]
    // Buckets of about sixteen points, many tables: the other end of what is worth trying.
    const nProjections = Math.max(8, Math.round(Math.log2(rows / 16)))
    return [chosen, { ...chosen, name: `k = ${nProjections}, L = 30`, options: { nProjections, nHashTables: 30 } }]
  },
}

/** @param {import('./rival.mjs').Material} material @returns {Promise<import('./rival.mjs').Adapter>} */
export async function open({ points, queries, metric, threads }) {
  const { configure, L2, runtime, SRP } = await import('nearhash')
  configure({ threads })
  const rows = await readCollection(points)
  const asked = await readCollection(queries)
  const single = rowsOf(asked)
  const dim = rows.shape[1]
  const { version, cpu } = runtime()
  return {
    about: { version, build: `${cpu} kernels chosen at run time` },
    prepare: (options) => () => {
      const index = metric === 'cosine' ? new SRP({ seed: 1, ...options }) : new L2({ seed: 1, ...options })
      index.fitSync(rows)
      return {
        footprint: () => ({ bytes: index.describe().memoryBytes, rowBytes: storedBytes(rows), basis: 'describe().memoryBytes' }),
        search: ({ probes }, k) => {
          index.multiProbe(probes)
          return {
            one: (query) => index.searchSync(single[query], { k }),
            ids: (/** @type {import('nearhash').Neighbors} */ result) => result.ids,
            all: (count) => index.searchSync({ data: asked.data.subarray(0, count * dim), shape: [count, dim] }, { k }),
          }
        },
        dispose: () => index.dispose(),
      }
    },
  }
}
