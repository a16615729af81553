import { knn } from 'nearhash'
import { firstRows } from '../datasets/collection.mjs'
import { mean, percentile, recallAt } from '../measure/accuracy.mjs'
import { hasExactDistances } from './checks.mjs'
import { kindsFor, makeStrangers } from './strangers.mjs'

/**
 * @typedef {import('../datasets/collection.mjs').Matrix} Matrix
 * @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet
 * @typedef {import('../measure/accuracy.mjs').Answer} Answer
 */

/**
 * The class `Index`, or what stands in for it.
 *
 * @typedef {object} IndexUnderTest
 * @property {(x: Matrix, options: { signal?: AbortSignal }) => Promise<unknown>} fit
 * @property {(x: Matrix, options: { k: number, recall: number, signal?: AbortSignal }) => Promise<Iterable<Answer>>} search
 * @property {() => void} dispose
 */

/** @typedef {new (options: { metric: 'euclidean' | 'cosine', seed: number }) => IndexUnderTest} IndexClass */

/**
 * What one asked recall yielded.
 *
 * @typedef {object} PromiseRow
 * @property {string} queries `held-out`, or a kind of strangers
 * @property {number} asked
 * @property {number} k
 * @property {number} recall mean over the queries
 * @property {number} byChance how far off chance may be blamed for
 * @property {number} deviation of the recall of single queries
 * @property {number} different queries that ask for neighbours of their own, about: true neighbours, each once, by k
 * @property {number} p5 5th percentile of the recall of single queries
 * @property {number} p1 1st percentile
 * @property {number} atZero queries without any true neighbour
 * @property {number} microsecondsPerQuery of a batch on all threads
 */

/** @typedef {{ rows: PromiseRow[], failures: string[] }} IndexResult */

const ASKED = [0.8, 0.9, 0.95, 0.99]
/** Asked of the strangers and for the tail. */
const ORDINARY = 0.95
const NEIGHBOURS = [1, 10, 100]
/** Mean recall may be so far below and above what was asked. */
const [BELOW, ABOVE] = [0.01, 0.03]
/** Of fewer queries the mean may be as far off by chance as so many standard errors. */
const [MANY_QUERIES, STANDARD_ERRORS] = [1000, 3]
/** Of fewer points all may be ranked, which finds more than was asked. */
const SMALL = 20_000
/** Least 1st percentile of the recall of single queries at ORDINARY, by k. One neighbour is found or not. */
const TAIL = new Map([[10, 0.7], [100, 0.8]])
/** Least mean recall of a kind of strangers at ORDINARY. */
const STRANGERS_RECALL = 0.93
/**
 * Seeds of the indexes that strangers ask; what is held out asks the first. All queries of some kinds are nearly the
 * same one: to all of them one index gives the ninth and tenth neighbour, and another doesn't. So their mean may also
 * be lower by the standard error of as many queries as ask for neighbours of their own.
 */
const SEEDS = [0, 1, 2]
/** Queries asked for exact answers, which visit everything. */
const EXACT_QUERIES = 100

/** @param {EvaluationSet} set @returns {number} calls of onProgress */
export function indexSteps(set) {
  return 2 + SEEDS.length + kindsFor(set).length
}

/**
 * Checks what an `Index` with default options promises on one set: mean recall near what was asked, a tail that
 * isn't given up, queries unlike the data served too, exact distances, and exact answers at recall 1.
 *
 * @param {EvaluationSet} set all its queries are asked
 * @param {IndexClass} Index
 * @param {{ seeds?: readonly number[], onProgress?: (stage: string) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<IndexResult>}
 */
export async function checkIndex(set, Index, { seeds = SEEDS, onProgress, signal } = {}) {
  /** @type {PromiseRow[]} */
  const rows = []
  /** @type {string[]} */
  const failures = []
  const indexes = seeds.map((seed) => new Index({ metric: set.metric, seed }))
  const [index] = indexes
  try {
    for (const [place, index] of indexes.entries()) {
      onProgress?.(`Index, seed ${seeds[place]}: fit`)
      await index.fit(set.base, { signal })
    }
    onProgress?.('Index, recall')
    const truth = await findTruth(set, set.queries, signal)
    for (const k of NEIGHBOURS) {
      for (const asked of ASKED) rows.push(await ask(set, [index], { queries: 'held-out', data: set.queries, truth, asked, k }, failures, signal))
    }
    onProgress?.('Index, exact')
    await checkExactAnswers(set, index, truth, failures, signal)
    for (const kind of kindsFor(set)) {
      onProgress?.(`Index, ${kind}`)
      const data = makeStrangers(set, kind)
      const truth = await findTruth(set, data, signal)
      for (const k of NEIGHBOURS) rows.push(await ask(set, indexes, { queries: kind, data, truth, asked: ORDINARY, k }, failures, signal))
    }
  } finally {
    for (const index of indexes) index.dispose()
  }
  return { rows, failures: [...failures, ...rows.flatMap((row) => faultsOf(row, rows, set.base.shape[0]))] }
}

/** @param {PromiseRow} row @param {readonly PromiseRow[]} rows @param {number} points @returns {string[]} promises that it breaks */
function faultsOf({ queries, asked, k, recall, byChance, different, p1, atZero }, rows, points) {
  const place = `Index, recall ${asked}, k = ${k}, ${queries} queries`
  if (queries !== 'held-out') {
    const usual = rows.find((row) => row.queries === 'held-out' && row.asked === asked && row.k === k)
    const error = (usual?.deviation ?? 0) / Math.sqrt(different)
    return recall < STRANGERS_RECALL - error - 1e-9
      ? [`${place}: mean recall ${recall.toFixed(4)} is below ${STRANGERS_RECALL}, give or take ${error.toFixed(3)}`]
      : []
  }
  /** @type {string[]} */
  const faults = []
  // A sum of tenths may miss its last digit.
  const [least, most] = [asked - BELOW, points < SMALL ? 1 : Math.min(1, asked + ABOVE)]
  if (recall < least - byChance - 1e-9 || recall > most + byChance + 1e-9) {
    const chance = byChance > 0 ? `, give or take ${byChance.toFixed(3)}` : ''
    faults.push(`${place}: mean recall ${recall.toFixed(4)} is not from ${least.toFixed(2)} to ${most.toFixed(2)}${chance}`)
  }
  const tail = TAIL.get(k)
  if (asked === ORDINARY && tail !== undefined) {
    if (p1 < tail - 1e-9) faults.push(`${place}: 1st percentile ${p1.toFixed(2)} is below ${tail}`)
    if (atZero > 0) faults.push(`${place}: ${atZero} queries got no true neighbour`)
  }
  return faults
}

/**
 * @param {EvaluationSet} set
 * @param {readonly IndexUnderTest[]} indexes that are asked one after the other
 * @param {{ queries: string, data: Matrix, truth: readonly Answer[], asked: number, k: number }} question
 * @param {string[]} failures
 * @param {AbortSignal} [signal]
 * @returns {Promise<PromiseRow>}
 */
async function ask({ base, metric }, indexes, { queries, data, truth, asked, k }, failures, signal) {
  const start = performance.now()
  /** @type {Answer[]} */
  const answers = []
  for (const index of indexes) answers.push(...await index.search(data, { k, recall: asked, signal }))
  const queryOf = (/** @type {number} */ place) => place % truth.length
  const microseconds = (performance.now() - start) * 1000
  const wanted = Math.min(k, base.shape[0])
  const faulty = answers.filter((answer, place) => (
    answer.ids.length !== wanted || new Set(Array.from(answer.ids)).size !== wanted || !hasExactDistances(metric, data, queryOf(place), base, answer)
  )).length
  if (faulty > 0 || answers.length !== truth.length * indexes.length) {
    failures.push(`Index, recall ${asked}, k = ${k}, ${queries} queries: ${faulty} of ${answers.length} answers are short, repeat an id, or have wrong or disordered distances`)
  }
  const recalls = answers.map((answer, place) => recallAt(truth[queryOf(place)], answer, k))
  const recall = mean(recalls)
  const deviation = Math.sqrt(mean(recalls.map((one) => (one - recall) ** 2)))
  return {
    queries, asked, k, recall, deviation,
    different: Math.max(1, new Set(truth.flatMap(({ ids }) => Array.from(ids).slice(0, k))).size / k),
    byChance: recalls.length < MANY_QUERIES ? STANDARD_ERRORS * deviation / Math.sqrt(recalls.length) : 0, p5: percentile(recalls, 0.05), p1: percentile(recalls, 0.01),
    atZero: recalls.filter((recall) => recall === 0).length, microsecondsPerQuery: microseconds / (data.shape[0] * indexes.length),
  }
}

/**
 * @param {EvaluationSet} set @param {IndexUnderTest} index @param {readonly Answer[]} truth @param {string[]} failures
 * @param {AbortSignal} [signal]
 */
async function checkExactAnswers({ queries }, index, truth, failures, signal) {
  const asked = firstRows(queries, Math.min(EXACT_QUERIES, queries.shape[0]))
  for (const k of NEIGHBOURS) {
    const answers = Array.from(await index.search(asked, { k, recall: 1, signal }))
    const wrong = answers.filter(({ ids, distances }, query) => {
      const expected = truth[query]
      return !expected || Array.from({ length: Math.min(k, expected.ids.length) }, (_, place) => place)
        .some((place) => ids[place] !== expected.ids[place] || distances[place] !== expected.distances[place])
    }).length
    if (wrong > 0) failures.push(`Index, recall 1, k = ${k}: ${wrong} of ${answers.length} answers differ from exact search`)
  }
}

/** @param {EvaluationSet} set @param {Matrix} queries @param {AbortSignal} [signal] @returns {Promise<Answer[]>} */
async function findTruth({ base, metric }, queries, signal) {
  return Array.from(await knn(base, queries, { k: Math.min(Math.max(...NEIGHBOURS), base.shape[0]), metric, signal }))
}
