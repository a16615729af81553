import { milliseconds, share, wholeNumber } from '../report/numbers.mjs'
import { textTable } from '../report/table.mjs'

/**
 * @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet
 * @typedef {import('./checks.mjs').SetResult} SetResult
 * @typedef {import('./index-checks.mjs').IndexResult} IndexResult
 * @typedef {import('./index-checks.mjs').PromiseRow} PromiseRow
 * @typedef {import('../report/table.mjs').Column} Column
 */

/** @param {EvaluationSet} set @returns {string} one line */
export function describeSet({ name, metric, base, queries }) {
  return `${name}: ${wholeNumber(base.shape[0])} x ${base.shape[1]}, ${wholeNumber(queries.shape[0])} queries, ${metric}\n`
}

/** @param {SetResult} result @returns {string} of exact search, SRP and L2 */
export function describeResult({ rows, notes, failures }) {
  /** @type {Column[]} */
  const columns = [{ title: 'class', align: 'left' }, ...['k', 'L', 'probes', 'recall@10', 'theory', 'collisions', 'ms a query'].map((title) => ({ title }))]
  const groups = [...new Set(rows.map(({ family }) => family))].map((family) => rows.filter((row) => row.family === family).map((row) => [
    row.family, String(row.nProjections), String(row.nHashTables), String(row.probes), share(row.recall),
    row.expected === undefined ? '' : share(row.expected), wholeNumber(row.collisions), milliseconds(row.millisecondsPerQuery),
  ]))
  return `${notes.join('\n')}\n\n${textTable(columns, groups)}\n${failureLines(failures)}`
}

/** @param {IndexResult} result @returns {string} */
export function describeIndexResult({ rows, failures }) {
  /** @type {Column[]} */
  const columns = [
    { title: 'Index', align: 'left' },
    ...['k', 'asked', 'recall', '5th percentile', '1st percentile', 'at 0', 'µs a query'].map((title) => ({ title })),
  ]
  /** @param {PromiseRow} row */
  const line = ({ queries, k, asked, recall, p5, p1, atZero, microsecondsPerQuery }) => [
    queries, String(k), share(asked), share(recall), share(p5), share(p1), wholeNumber(atZero), microsecondsPerQuery.toFixed(1),
  ]
  const [heldOut, strangers] = [rows.filter(({ queries }) => queries === 'held-out'), rows.filter(({ queries }) => queries !== 'held-out')]
  return `${textTable(columns, [heldOut.map(line), strangers.map(line)])}\n${failureLines(failures)}`
}

/** @param {readonly string[]} failures */
function failureLines(failures) {
  return failures.length === 0 ? '' : `${failures.map((failure) => `FAILED  ${failure}\n`).join('')}\n`
}
