import { EXACT_SCAN } from './exact-scan.mjs'
import { TEXTBOOK_LSH } from './nearhash-lsh.mjs'

/** @typedef {import('./rival.mjs').Rival} Rival */

/** The engine's own worker: crates/nearhash/examples/benchmark_worker.rs. */
export const ENGINE_WORKER = 'benchmark_worker'
const ENGINE = /** @type {const} */ ({ runtime: 'rust', adapter: ENGINE_WORKER, batches: true, parallel: true })

/** The same search as through Node, called from Rust: the difference is what Node costs. @type {Rival} */
export const ENGINE_LSH = {
  ...ENGINE,
  id: 'engine-lsh',
  name: 'nearhash SRP/L2 (Rust)',
  plans: (task) => TEXTBOOK_LSH.plans(task).map((plan) => ({ ...plan, options: { kind: 'lsh', ...plan.options } })),
}

/** @type {Rival} */
export const ENGINE_EXACT = {
  ...ENGINE,
  id: 'engine-exact',
  name: 'nearhash exact scan (Rust)',
  plans: (task) => EXACT_SCAN.plans(task).map((plan) => ({ ...plan, name: 'float rows', options: { kind: 'exact' } })),
}
