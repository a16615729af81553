import { performance } from 'node:perf_hooks'
import { ClusterTokens, knn, L2, LshTokens, SRP } from 'nearhash'
import { firstRows } from '../datasets/collection.mjs'
import { mean } from '../measure/accuracy.mjs'
import { summarise, timeRuns } from '../measure/timing.mjs'
import { InvertedIndex } from './inverted-index.mjs'

/**
 * @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet
 * @typedef {import('nearhash').VectorTokens} VectorTokens
 */

/**
 * One way to ask one model.
 *
 * @typedef {object} QueryTrial
 * @property {string} query what the query asks for
 * @property {boolean} isDefault whether that is what the model does by itself
 * @property {number} words of a query, mean
 * @property {number} within100 share of the true ten nearest among the first 100 candidates
 * @property {number} within300 share among the first 300
 * @property {number} postings entries of posting lists read a query, mean, in units of the number of documents
 * @property {number} touched share of the documents that have any of the words, mean
 */

/**
 * How fast documents are encoded.
 *
 * @typedef {object} Rate
 * @property {import('../measure/timing.mjs').Timing} milliseconds for all documents
 * @property {number} cpuMicroseconds of this process on all its threads, a document; steady where the machine is shared
 */

/**
 * One model.
 *
 * @typedef {object} ModelTrial
 * @property {string} model
 * @property {object} description
 * @property {number | null} trainMs null where nothing is trained
 * @property {Rate} text all documents to words
 * @property {Rate} [codes] all documents to codes
 * @property {number} words different words of all documents
 * @property {QueryTrial[]} queries
 */

const NEIGHBOURS = 10
const CANDIDATES = [100, 300]
/** Beside each model's own number. */
const PROBES = [1, 2, 4, 8, 16]
/** Words of a query: what engines take by default leaves room for no more. */
const MOST_WORDS = 1000
const RUNS = { warmUps: 0, minRuns: 3, maxRuns: 7, enough: 2000 }

/**
 * @typedef {object} Plan
 * @property {string} model
 * @property {boolean} [weightless] every word counts 1, as in the published recipe
 * @property {number[]} probes
 * @property {(set: EvaluationSet, signal?: AbortSignal) => Promise<VectorTokens>} make
 */

/** @param {EvaluationSet} set @returns {Plan[]} */
export function plansFor({ base: { shape: [rows, dim] }, metric }) {
  /** @param {import('nearhash').ClusterTokensOptions} options @returns {Plan['make']} */
  const trained = (options) => (set, signal) => ClusterTokens.train(set.base, { metric: set.metric, ...options, ...(signal && { signal }) })
  const published = Math.min(dim, 16)
  // Buckets of some hundred documents: so many tables cost a query as much as clusters do.
  const nProjections = Math.max(8, Math.round(Math.log2(rows / 40)))
  return [
    { model: 'cluster tokens, default', probes: PROBES, make: trained({}) },
    { model: 'cluster tokens, not rotated', probes: PROBES, make: trained({ rotation: 'none' }) },
    { model: `published recipe: ${published} x 64, not rotated, words count 1`, weightless: true, probes: [1], make: trained({ rotation: 'none', groups: published, clusters: 64, probes: 1 }) },
    metric === 'cosine'
      ? { model: `SRP, k = ${nProjections}, L = 64`, probes: [0, 2, 4], make: async () => new LshTokens(new SRP({ dim, nProjections, nHashTables: 64 })) }
      : { model: 'L2, k = 8, L = 64', probes: [0, 2, 4], make: async (set, signal) => new LshTokens(await new L2({ nProjections: 8, nHashTables: 64 }).fit(set.base, { ...(signal && { signal }) })) },
  ]
}

/**
 * The true nearest of every query.
 *
 * @param {EvaluationSet} set
 * @returns {Promise<Uint32Array[]>}
 */
export async function trueNeighbours({ base, queries, neighbours, metric }) {
  if (neighbours !== undefined) {
    const { data, shape: [rows, k] } = neighbours
    return Array.from({ length: rows }, (_, row) => Uint32Array.from(data.subarray(row * k, row * k + NEIGHBOURS)))
  }
  const { ids, k } = await knn(base, queries, { k: NEIGHBOURS, metric })
  return Array.from({ length: queries.shape[0] }, (_, row) => ids.slice(row * k, (row + 1) * k))
}

/**
 * @param {EvaluationSet} set
 * @param {Plan} plan
 * @param {readonly Uint32Array[]} truth
 * @param {AbortSignal} [signal]
 * @returns {Promise<ModelTrial>}
 */
export async function tryModel(set, { model, weightless = false, probes, make }, truth, signal) {
  const start = performance.now()
  const tokens = await make(set, signal)
  const trainMs = tokens instanceof ClusterTokens ? performance.now() - start : null
  const text = await rate(() => tokens.encode(set.base), set, signal)
  const codes = tokens instanceof ClusterTokens ? { codes: await rate(() => tokens.encodeCodes(set.base), set, signal) } : {}
  const index = new InvertedIndex(await tokens.encode(set.base))
  const all = [...new Set([...probes, ...(weightless || !(tokens instanceof ClusterTokens) ? [] : [tokens.probes])])]
  const asked = all.sort((a, b) => a - b).filter((probes) => tokens.queryWordCount(probes) <= MOST_WORDS)
  /** @type {QueryTrial[]} */
  const queries = []
  for (const probes of asked) {
    signal?.throwIfAborted()
    queries.push(tryQueries(set, tokens, index, { probes, weightless }, truth))
  }
  return { model, description: tokens.describe(), trainMs, text, ...codes, words: index.words, queries }
}

/**
 * @param {() => Promise<unknown>} encode
 * @param {EvaluationSet} set
 * @param {AbortSignal} [signal]
 * @returns {Promise<Rate>}
 */
async function rate(encode, { base: { shape: [rows] } }, signal) {
  await encode()
  const before = process.cpuUsage()
  const times = await timeRuns(encode, { ...RUNS, ...(signal && { signal }) })
  const { user, system } = process.cpuUsage(before)
  return { milliseconds: summarise(times), cpuMicroseconds: (user + system) / times.length / rows }
}

/**
 * @param {EvaluationSet} set
 * @param {VectorTokens} tokens
 * @param {InvertedIndex} index
 * @param {{ probes: number, weightless: boolean }} how
 * @param {readonly Uint32Array[]} truth
 * @returns {QueryTrial}
 */
function tryQueries({ queries }, tokens, index, { probes, weightless }, truth) {
  const { data, shape: [rows, dim] } = firstRows(queries, truth.length)
  /** @type {{ words: number, found: number[], postings: number, touched: number }[]} */
  const trials = []
  for (let row = 0; row < rows; row++) {
    const query = tokens.encodeQuery(data.subarray(row * dim, (row + 1) * dim), { probes })
    if (weightless) query.weights.fill(1)
    const { documents, postings, touched } = index.search(query, Math.max(...CANDIDATES))
    const found = CANDIDATES.map((most) => {
      const among = new Set(documents.subarray(0, most))
      return truth[row].filter((id) => among.has(id)).length / truth[row].length
    })
    trials.push({ words: query.words.length, found, postings: postings / index.size, touched: touched / index.size })
  }
  return {
    query: tokens instanceof ClusterTokens ? `t = ${probes}` : `${probes} more a table`,
    isDefault: !weightless && probes === tokens.probes,
    words: mean(trials.map((trial) => trial.words)),
    within100: mean(trials.map((trial) => trial.found[0])),
    within300: mean(trials.map((trial) => trial.found[1])),
    postings: mean(trials.map((trial) => trial.postings)),
    touched: mean(trials.map((trial) => trial.touched)),
  }
}
