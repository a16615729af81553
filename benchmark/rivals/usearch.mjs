import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EF_CONSTRUCTION, graphSettings } from './graph-settings.mjs'
import { readFloats, rowsOf } from './material.mjs'
import { loadPackage } from './packages.mjs'

/** @type {import('./rival.mjs').Rival} */
export const USEARCH = {
  id: 'usearch',
  name: 'usearch',
  runtime: 'node',
  adapter: 'usearch.mjs',
  batches: true,
  parallel: true,
  plans: ({ quick }) => {
    const variants = quick ? [{ M: 16, scalar: 'f32' }] : [
      { M: 16, scalar: 'f32' },
      { M: 32, scalar: 'f32' },
      // Half the digits, half the memory traffic. Its 8-bit types take numbers from -1 to 1, or bits, not counts.
      { M: 16, scalar: 'f16' },
    ]
    return variants.map(({ M, scalar }) => ({ name: `M = ${M}, ${scalar}`, options: { M, scalar }, settings: graphSettings(quick) }))
  },
}

/** @param {import('./rival.mjs').Material} material @returns {Promise<import('./rival.mjs').Adapter>} */
export async function open({ floatPoints, floatQueries, threads, scratch }) {
  const { exports: { Index }, version } = loadPackage('usearch')
  return {
    about: { version, build: 'prebuilt, kernels chosen at run time' },
    async prepare({ M, scalar }) {
      const { data, shape: [rows, dim] } = await readFloats(floatPoints)
      const asked = await readFloats(floatQueries)
      const single = rowsOf(asked)
      const keys = BigUint64Array.from({ length: rows }, (_, row) => BigInt(row))
      const width = scalar === 'f16' ? 2 : 4
      const path = join(scratch, `m${M}-${scalar}.usearch`)
      /** @param {number} ef */
      const create = (ef) => new Index({
        dimensions: dim, metric: 'l2sq', quantization: scalar, connectivity: M, expansion_add: EF_CONSTRUCTION, expansion_search: ef, multi: false,
      })
      return () => {
        const built = create(0)
        built.add(keys, data, threads)
        /** @type {Map<number, any>} */
        const views = new Map()
        const save = () => {
          if (!existsSync(path)) built.save(path)
        }
        return {
          footprint: () => {
            save()
            return { bytes: statSync(path).size, rowBytes: rows * dim * width, basis: 'size of the saved index' }
          },
          search: (/** @type {{ ef: number }} */ { ef }, k) => {
            // The width is fixed when an index object is made, so each width looks at the saved index through one of its own.
            save()
            let view = views.get(ef)
            if (view === undefined) {
              view = create(ef)
              view.view(path)
              views.set(ef, view)
            }
            return {
              one: (query) => view.search(single[query], k, 1),
              ids: (result) => result.keys,
              all: (count) => view.search(asked.data.subarray(0, count * dim), k, threads),
            }
          },
        }
      }
    },
  }
}
