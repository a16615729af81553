import { EF_CONSTRUCTION, graphSettings } from './graph-settings.mjs'

/**
 * hnswlib itself, through its Python package.
 *
 * @type {import('./rival.mjs').Rival}
 */
export const HNSWLIB_NATIVE = {
  id: 'hnswlib',
  name: 'hnswlib (C++)',
  runtime: 'python',
  adapter: 'hnswlib_native.py',
  batches: true,
  parallel: true,
  plans: ({ quick }) => (quick ? [16] : [16, 32]).map((M) => (
    { name: `M = ${M}`, options: { M, efConstruction: EF_CONSTRUCTION }, settings: graphSettings(quick) }
  )),
}
