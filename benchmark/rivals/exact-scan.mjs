import { readCollection } from '../datasets/collection.mjs'
import { readFloats, rowsOf } from './material.mjs'

/** @type {import('./rival.mjs').Rival} */
export const EXACT_SCAN = {
  id: 'exact',
  name: 'nearhash exact scan',
  runtime: 'node',
  adapter: 'exact-scan.mjs',
  batches: true,
  parallel: true,
  plans: ({ integers }) => [
    { name: integers ? '8-bit rows' : 'float rows', options: { integers }, settings: () => [{}], exact: true },
  ],
}

/** @param {import('./rival.mjs').Material} material @returns {Promise<import('./rival.mjs').Adapter>} */
export async function open({ points, queries, floatPoints, floatQueries, threads }) {
  const { configure, knnSync, runtime } = await import('nearhash')
  configure({ threads })
  const { version, cpu } = runtime()
  return {
    about: { version, build: `${cpu} kernels chosen at run time` },
    async prepare({ integers }) {
      const rows = integers ? await readCollection(points) : await readFloats(floatPoints)
      const asked = integers ? await readCollection(queries) : await readFloats(floatQueries)
      const single = rowsOf(asked)
      const dim = rows.shape[1]
      return () => ({
        footprint: () => ({ bytes: rows.data.byteLength, rowBytes: rows.data.byteLength, basis: 'the points' }),
        search: (_, k) => ({
          one: (query) => knnSync(rows, single[query], { k }),
          ids: (/** @type {import('nearhash').Neighbors} */ result) => result.ids,
          all: (count) => knnSync(rows, { data: asked.data.subarray(0, count * dim), shape: [count, dim] }, { k }),
        }),
      })
    },
  }
}
