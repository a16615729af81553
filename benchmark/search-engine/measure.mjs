import { performance } from 'node:perf_hooks'
import { summarise } from '../measure/timing.mjs'

/**
 * What a kind of query does.
 *
 * @typedef {object} QueryFigures
 * @property {string} name
 * @property {number} candidates
 * @property {number} [words] a query, on average
 * @property {number} recall share of the true 10 nearest among the candidates
 * @property {number} few share of queries that got fewer than 10
 * @property {number} [touched] documents that match, a query, on average
 * @property {import('../measure/timing.mjs').Timing} milliseconds from the call to the ranked result
 * @property {number} serverMilliseconds that the server says it took, median
 * @property {number} cpuMilliseconds of the server, a query
 */

/**
 * @typedef {object} Answer
 * @property {string[]} ids of the candidates
 * @property {number} tookMs
 */

/**
 * Ask some queries without counting, then every one for the figures.
 *
 * @param {import('./server.mjs').Server} server
 * @param {object} plan
 * @param {string} plan.name
 * @param {number} plan.candidates
 * @param {number} plan.queries
 * @param {(i: number) => Promise<Answer>} plan.ask
 * @param {(i: number) => readonly string[]} plan.truth ids of the 10 nearest
 * @param {(i: number) => Promise<number>} [plan.touched] documents that query i matches
 * @param {number} [plan.words]
 * @param {number} [plan.warmUps] queries asked before, for the compiler of Java; default: 200
 * @param {AbortSignal} plan.signal
 * @returns {Promise<QueryFigures>}
 */
export async function measureQueries(server, { name, candidates, queries, ask, truth, touched, words, warmUps = 200, signal }) {
  for (let i = 0; i < warmUps; i++) await ask(i % queries)
  /** @type {number[]} */
  const times = []
  /** @type {number[]} */
  const took = []
  let [found, few] = [0, 0]
  const before = await server.cpuMilliseconds()
  for (let i = 0; i < queries; i++) {
    signal.throwIfAborted()
    const start = performance.now()
    const answer = await ask(i)
    times.push(performance.now() - start)
    took.push(answer.tookMs)
    const ids = new Set(answer.ids)
    found += truth(i).filter((id) => ids.has(id)).length
    if (answer.ids.length < 10) few++
  }
  const cpu = await server.cpuMilliseconds() - before
  let sum = 0
  // Counting costs more than searching; a sample will do.
  const counted = Math.min(queries, 20)
  if (touched !== undefined) for (let i = 0; i < counted; i++) sum += await touched(i)
  return {
    name,
    candidates,
    ...(words === undefined ? {} : { words }),
    recall: found / (10 * queries),
    few: few / queries,
    ...(touched === undefined ? {} : { touched: sum / counted }),
    milliseconds: summarise(times),
    serverMilliseconds: summarise(took).median,
    cpuMilliseconds: cpu / queries,
  }
}
