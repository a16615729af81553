import { statSync } from 'node:fs'
import { join } from 'node:path'
import { EF_CONSTRUCTION, graphSettings } from './graph-settings.mjs'
import { readFloats, rowsOf } from './material.mjs'
import { loadPackage } from './packages.mjs'

/** @type {import('./rival.mjs').Rival} */
export const HNSWLIB_NODE = {
  id: 'hnswlib-node',
  name: 'hnswlib-node',
  runtime: 'node',
  adapter: 'hnswlib-node.mjs',
  batches: false,
  parallel: false,
  plans: ({ quick }) => (quick ? [16] : [16, 32]).map((M) => ({ name: `M = ${M}`, options: { M }, settings: graphSettings(quick) })),
}

/** @param {import('./rival.mjs').Material} material @returns {Promise<import('./rival.mjs').Adapter>} */
export async function open({ floatPoints, floatQueries, scratch }) {
  const { exports: { HierarchicalNSW }, version } = loadPackage('hnswlib-node')
  const { data, shape: [rows, dim] } = await readFloats(floatPoints)
  // The package takes plain arrays of numbers only; making them is not its work and not timed.
  const queries = rowsOf(await readFloats(floatQueries)).map((row) => Array.from(row))
  return {
    about: { version, build: 'compiled by its own install script' },
    prepare: ({ M }) => () => {
      const index = new HierarchicalNSW('l2', dim)
      index.initIndex(rows, M, EF_CONSTRUCTION, 100)
      for (let row = 0; row < rows; row++) index.addPoint(Array.from(data.subarray(row * dim, (row + 1) * dim)), row)
      return {
        footprint: () => {
          const path = join(scratch, `m${M}.hnsw`)
          index.writeIndexSync(path)
          return { bytes: statSync(path).size, rowBytes: rows * dim * 4, basis: 'size of the saved index' }
        },
        search: (/** @type {{ ef: number }} */ { ef }, k) => {
          index.setEf(ef)
          return { one: (query) => index.searchKnn(queries[query], k), ids: (result) => result.neighbors }
        },
      }
    },
  }
}
