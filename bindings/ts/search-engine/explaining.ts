import { argumentError } from '../errors.js'
import { present } from '../options.js'
import { weightedOverlap } from '../tokens.js'
import type { NumericArray } from '../vectors.js'
import { checkId } from './documents.js'
import type { EngineContext } from './engine-context.js'
import { isObject } from './engine-error.js'
import { hitsOf } from './hits.js'
import { vectorToText, type Model } from './models.js'
import { candidateQuery, type CandidateOptions } from './query.js'
import { rank, type Candidate } from './ranking.js'
import type { Explanation, SharedWord } from './results.js'
import { plan, vectorsOf, type EngineQuery } from './searching.js'

/** Options of `explain`: the query as it was searched for. */
export interface ExplainOptions extends EngineQuery, Pick<CandidateOptions, 'probes' | 'matching' | 'weights'> {
  /** Of the document. */
  routing?: string
  signal?: AbortSignal
}

/** @internal Which words a query and a document share, and what they weigh. */
export async function explain(context: EngineContext, id: string, options: ExplainOptions): Promise<Explanation> {
  checkId('id', id)
  const { signal, routing } = options
  if (options.matching === 'moreLikeThis') throw argumentError('matching', '"moreLikeThis"', '"weighted" or "words"')
  await context.open(signal)
  const { query, vectors } = plan(context, { ...options, k: 1 })
  const stored = await vectorsOf(context, id, routing, signal)
  const words: SharedWord[] = []
  let score = 0
  for (const [model, asked] of query.words) {
    const vector = stored.get(model)
    const [encoded = []] = vector === undefined ? [] : await model.tokens.encode([vector])
    const own = new Set(encoded)
    score += weightedOverlap({ words: [...asked.words], weights: Float32Array.from(asked.weights) }, encoded)
    for (const [i, word] of asked.words.entries()) {
      if (own.has(word)) words.push({ model: model.name, word, weight: asked.weights[i]! })
    }
  }
  words.sort((a, b) => b.weight - a.weight || (a.word < b.word ? -1 : 1))

  const filtered = candidateQuery(vectors, 1, { ...queryOptions(options), filter: { ids: { values: [id] } } }, context.maxClauses)
  const { body } = await context.ask('explain', {
    method: 'POST',
    path: `/${context.name}/_search`,
    query: {
      filter_path: 'error,status,hits.hits._score',
      allow_partial_search_results: false,
      ...present({ routing }),
    },
    body: { size: 1, stored_fields: '_none_', track_total_hits: false, query: filtered.clause },
    ...present({ signal }),
  })
  const [hit] = hitsOf(body)
  const [ranked] = await rank([asCandidate(id, stored)], vectors, options.weights, undefined, signal)
  return {
    id,
    words,
    score,
    serverScore: isObject(hit) && typeof hit['_score'] === 'number' ? hit['_score'] : undefined,
    distance: ranked?.distance ?? Number.NaN,
  }
}

function queryOptions({ probes, matching, weights }: ExplainOptions): CandidateOptions {
  return present({ probes, matching, weights })
}

function asCandidate(id: string, stored: ReadonlyMap<Model, NumericArray>): Candidate {
  const vectors = new Map(Array.from(stored, ([model, vector]) => [model.name, vectorToText(model, vector)]))
  return { id, index: '', score: 0, vectors }
}
