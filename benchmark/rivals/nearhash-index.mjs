import { readCollection } from '../datasets/collection.mjs'
import { rowsOf } from './material.mjs'
import { Unavailable } from './unavailable.mjs'

/** @typedef {import('./rival.mjs').Plan} Plan */

const RECALLS = [0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998]
const QUICK_RECALLS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995]

/** @param {boolean} quick */
const settings = (quick) => () => (quick ? QUICK_RECALLS : RECALLS).map((recall) => ({ recall }))

/** @type {import('./rival.mjs').Rival} */
export const INDEX = {
  id: 'index',
  name: 'nearhash Index',
  runtime: 'node',
  adapter: 'nearhash-index.mjs',
  batches: true,
  parallel: true,
  plans: ({ quick }) => [{ name: 'default', options: {}, settings: settings(quick) }],
}

/** The same without a step that moves points between buckets: nothing but hashing. @type {import('./rival.mjs').Rival} */
export const PURE_HASH = {
  id: 'index-settle-0',
  name: 'nearhash Index, settle: 0',
  runtime: 'node',
  adapter: 'nearhash-index.mjs',
  batches: true,
  parallel: true,
  plans: ({ quick }) => [{ name: 'settle: 0', options: { settle: 0 }, settings: settings(quick) }],
}

/** What most machines have. @type {import('./rival.mjs').Rival} */
export const INDEX_AVX2 = {
  ...INDEX,
  id: 'index-avx2',
  name: 'nearhash Index, AVX2 only',
  environment: { NEARHASH_CPU: 'avx2' },
  plans: (task) => (process.arch === 'x64' ? INDEX.plans(task) : []),
}

/** @param {import('./rival.mjs').Material} material @returns {Promise<import('./rival.mjs').Adapter>} */
export async function open({ points, queries, metric, threads }) {
  const nearhash = await import('nearhash')
  /** @type {any} */
  const Index = 'Index' in nearhash ? nearhash.Index : undefined
  if (Index === undefined) throw new Unavailable('this build of nearhash does not export Index')
  nearhash.configure({ threads })
  const rows = await readCollection(points)
  const asked = await readCollection(queries)
  const single = rowsOf(asked)
  const dim = rows.shape[1]
  const { version, cpu } = nearhash.runtime()
  return {
    about: { version, build: `${cpu} kernels chosen at run time` },
    prepare: (options) => () => {
      const index = new Index({ metric, seed: 1, ...options })
      index.fitSync(rows)
      return {
        footprint: () => ({ bytes: index.describe().memoryBytes, rowBytes: storedBytes(rows), basis: 'describe().memoryBytes' }),
        search: (setting, k) => {
          const how = { ...setting, k }
          return {
            one: (query) => index.searchSync(single[query], how),
            ids: (result) => result.ids,
            all: (count) => index.searchSync({ data: asked.data.subarray(0, count * dim), shape: [count, dim] }, how),
          }
        },
        dispose: () => index.dispose(),
      }
    },
  }
}

/**
 * @param {import('../datasets/collection.mjs').Matrix} rows
 * @returns {number} bytes of the rows in the narrowest type that nearhash keeps them in
 */
export function storedBytes({ data }) {
  const width = data instanceof Uint8Array || data instanceof Uint8ClampedArray ? 1
    : data instanceof Int8Array || data instanceof Int16Array ? 2
      : data instanceof Uint16Array && data.every((value) => value <= 32767) ? 2 : 4
  return data.length * width
}
