import { rowsOf } from './rows.mjs'

/** @typedef {import('nearhash/search-engine').SearchEngineIndex} SearchEngineIndex */
/** @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet */
/** @typedef {import('./server.mjs').Server} Server */

/**
 * How a query of nearhash is asked and judged, for `measureQueries`.
 *
 * @param {Server} server
 * @param {SearchEngineIndex} index
 * @param {EvaluationSet} set
 * @param {{ probes?: number, matching?: 'words', candidates: number }} options
 * @param {(i: number) => readonly string[]} truth
 */
export function ours(server, index, set, options, truth) {
  const vectors = rowsOf(set.queries, set.queries.shape[0])
  const query = index.buildQuery({ vector: vectors[0], ...options })
  const { bool } = /** @type {{ bool: { should: unknown[] } }} */ (query['query'])
  return {
    truth,
    words: bool.should.length,
    // As many results as candidates: which of the true neighbours are among them.
    ask: async (/** @type {number} */ i) => index.search({ vector: vectors[i], ...options, k: options.candidates }).then(({ ids, tookMs }) => ({ ids: [...ids], tookMs })),
    touched: (/** @type {number} */ i) => count(server, index.name, index.buildQuery({ vector: vectors[i], ...options })['query']),
  }
}

/** @param {Server} server @param {string} name @param {unknown} query */
export async function count(server, name, query) {
  return /** @type {number} */ ((await server.ask('POST', `/${name}/_count`, { query })).count)
}

/** @param {any} reply @param {string} [field] with the ids */
export function answerOf(reply, field = 'nearhash.id') {
  const hits = /** @type {any[]} */ (reply.hits.hits)
  return { ids: hits.map((hit) => hit.fields[field][0]), tookMs: reply.took }
}
