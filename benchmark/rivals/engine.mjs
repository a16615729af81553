import { EXACT_SCAN } from './exact-scan.mjs'
import { INDEX, INDEX_AVX2, PURE_HASH } from './nearhash-index.mjs'
import { TEXTBOOK_LSH } from './nearhash-lsh.mjs'

/** @typedef {import('./rival.mjs').Rival} Rival */

/** The engine's own worker: crates/nearhash/examples/benchmark_worker.rs. */
export const ENGINE_WORKER = 'benchmark_worker'
const ENGINE = /** @type {const} */ ({ runtime: 'rust', adapter: ENGINE_WORKER, batches: true, parallel: true })

/**
 * The same search as through Node, called from Rust: the difference is what Node costs.
 *
 * @param {Rival} rival
 * @param {'index' | 'lsh'} kind
 * @returns {Rival}
 */
function withoutNode({ id, name, environment, plans }, kind) {
  return {
    ...ENGINE,
    id: `engine-${id}`,
    name: `${name} (Rust)`,
    plans: (task) => plans(task).map((plan) => ({ ...plan, options: { kind, ...plan.options } })),
    ...(environment ? { environment } : {}),
  }
}

export const ENGINE_INDEX = withoutNode(INDEX, 'index')
export const ENGINE_PURE_HASH = withoutNode(PURE_HASH, 'index')
export const ENGINE_INDEX_AVX2 = withoutNode(INDEX_AVX2, 'index')
export const ENGINE_LSH = withoutNode(TEXTBOOK_LSH, 'lsh')

/** @type {Rival} */
export const ENGINE_EXACT = {
  ...ENGINE,
  id: 'engine-exact',
  name: 'nearhash exact scan (Rust)',
  plans: (task) => EXACT_SCAN.plans(task).map((plan) => ({ ...plan, name: 'float rows', options: { kind: 'exact' } })),
}
