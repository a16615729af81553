import { performance } from 'node:perf_hooks'
import { quantile } from './quantile.mjs'

/**
 * @typedef {object} Timing
 * @property {number} median milliseconds
 * @property {number} lowerQuartile milliseconds
 * @property {number} upperQuartile milliseconds
 * @property {number} fastest milliseconds
 * @property {number} slowest milliseconds
 * @property {number} runs how many runs these stand on
 */

/**
 * Times a call again and again: first `warmUps` runs that don't count, then at least `minRuns`, and on
 * until `enough` milliseconds are spent or `maxRuns` are done.
 *
 * @param {() => unknown} work may return a promise, which is waited for
 * @param {object} plan
 * @param {number} plan.warmUps
 * @param {number} plan.minRuns
 * @param {number} plan.maxRuns
 * @param {number} plan.enough milliseconds
 * @param {AbortSignal} [plan.signal] stops between two runs
 * @returns {Promise<number[]>} the milliseconds of every run that counts
 */
export async function timeRuns(work, { warmUps, minRuns, maxRuns, enough, signal }) {
  for (let run = 0; run < warmUps; run++) {
    signal?.throwIfAborted()
    await work()
  }
  /** @type {number[]} */
  const milliseconds = []
  let spent = 0
  while (milliseconds.length < minRuns || (spent < enough && milliseconds.length < maxRuns)) {
    signal?.throwIfAborted()
    const start = performance.now()
    await work()
    const elapsed = performance.now() - start
    milliseconds.push(elapsed)
    spent += elapsed
  }
  return milliseconds
}

/** @param {readonly number[]} milliseconds of at least one run @returns {Timing} */
export function summarise(milliseconds) {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5), lowerQuartile: quantile(sorted, 0.25), upperQuartile: quantile(sorted, 0.75),
    fastest: sorted[0], slowest: sorted[sorted.length - 1], runs: sorted.length,
  }
}
