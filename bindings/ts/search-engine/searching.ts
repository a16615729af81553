import { argumentError, show } from '../errors.js'
import { checkOptions, finite, flag, integer, optionalSignal, present } from '../options.js'
import { readVector, type NumericArray } from '../vectors.js'
import type { Cancellable } from '../calls.js'
import { checkId } from './documents.js'
import type { EngineContext } from './engine-context.js'
import { fromServer, isObject, SearchEngineError } from './engine-error.js'
import { firstText, hitsOf } from './hits.js'
import { ID_FIELD, readVectorsByModel, ROOT, vectorsFromText, type Model } from './models.js'
import { CANDIDATE_OPTIONS, candidateQuery, readClauses, searchBody, type CandidateOptions, type CandidateQuery, type Clause } from './query.js'
import { rank, reciprocalRankFusion, type Candidate, type Ranked, type VectorLookup } from './ranking.js'
import { EngineNeighbors } from './results.js'

/** Text and vector blended: each result's places in both lists decide, by reciprocal-rank fusion. */
export interface HybridOptions {
  /** The query of the text, as the server takes it, for instance `{ match: { caption: 'dog' } }`. */
  query: Clause
  /** Weight of the text's places; those of the vector have 1. Default 1. */
  weight?: number
  /** The larger, the less the first places count; default 60. */
  rankConstant?: number
}

/** What is looked for. */
export interface EngineQuery {
  /** Of the only model. */
  vector?: NumericArray
  /** By model: a candidate needs a word of any, and is ranked by the sum of the distances. */
  vectors?: Readonly<Record<string, NumericArray>>
}

/** Options of `search`. One of `vector`, `vectors` and `id` says what is looked for. */
export interface EngineSearchOptions extends EngineQuery, CandidateOptions, Cancellable {
  /** Neighbours of this document, itself left out. */
  id?: string
  /** Neighbours wanted; default 10. */
  k?: number
  /** Nothing that is farther than this. */
  maxDistance?: number
  /**
   * Rank the candidates by exact distance; default true. A function says where their vectors are, when not in the
   * documents. false leaves them in the order of their scores, in which about half of the first ten are wrong.
   */
  rerank?: boolean | VectorLookup
  hybrid?: HybridOptions
  /** Fields of the results' documents: their names, or true for all; default: none. */
  fields?: boolean | readonly string[]
  /** Accept results without the shards that are lost or too slow; default false. */
  partial?: boolean
  /** How long shards may search, as the server writes it, for instance `'500ms'`. */
  timeout?: string
  /** Which copies of the shards are asked, as the server takes it. The same text asks the same copies. */
  preference?: string
  /** Only the shard of this routing value. */
  routing?: string
}

const SEARCH_OPTIONS = [
  'vector',
  'vectors',
  'id',
  'k',
  ...CANDIDATE_OPTIONS,
  'maxDistance',
  'rerank',
  'hybrid',
  'fields',
  'partial',
  'timeout',
  'preference',
  'routing',
  'signal',
] as const

/** What is read of an answer; without "error" and "status" an error would come back empty. */
const REPLY = ['took', 'timed_out', '_shards.total', '_shards.failed', 'hits.hits._index', 'hits.hits._score', 'hits.hits.fields']
const FILTER_PATH = ['error', 'status', ...REPLY].join(',')
const MANY_FILTER_PATH = ['error', 'status', 'responses.error', 'responses.status', ...REPLY.map((path) => `responses.${path}`)].join(',')

/** @internal A search, checked and with its query made. */
export interface PlannedSearch {
  options: Partial<EngineSearchOptions>
  k: number
  vectors: Map<Model, NumericArray>
  query: CandidateQuery
  /** Body of the request. */
  body: Record<string, unknown>
}

/** @internal Check a search and make its query; `vectors` are those of the document where an id was given. */
export function plan(
  context: EngineContext,
  given: EngineSearchOptions | undefined,
  vectorsOfId?: Map<Model, NumericArray>,
): PlannedSearch {
  const options = checkOptions('options', given, SEARCH_OPTIONS)
  const { id, maxDistance, rerank } = options
  const named = [options.vector, options.vectors, id].filter((one) => one !== undefined).length
  if (named !== 1) throw argumentError('vector', `${named} of vector, vectors and id`, 'one of them')
  const k = options.k === undefined ? 10 : integer('k', options.k, 1, 10_000)
  if (maxDistance !== undefined) finite('maxDistance', maxDistance, 'a finite number')
  if (rerank !== undefined && typeof rerank !== 'boolean' && typeof rerank !== 'function') {
    throw argumentError('rerank', show(rerank), 'true, false or a function')
  }
  if (rerank === false && (maxDistance !== undefined || options.hybrid !== undefined)) {
    throw argumentError('rerank', 'false with maxDistance or hybrid', 'true or a function: both need distances')
  }
  flag('partial', options.partial)
  if (options.hybrid !== undefined) readHybrid(options.hybrid)
  const vectors = vectorsOfId ?? readVectorsByModel(context.models, options.vector, options.vectors)
  const query = candidateQuery(vectors, k, options, context.maxClauses, id)
  const stored = rerank === false || typeof rerank === 'function' ? [] : vectors.keys()
  return { options, k, vectors, query, body: searchBody(query.clause, query.candidates, stored, options.timeout) }
}

/** @internal */
export async function search(context: EngineContext, given: EngineSearchOptions): Promise<EngineNeighbors> {
  const signal = optionalSignal(given?.signal)
  signal?.throwIfAborted()
  await context.open(signal)
  const vectorsOfId = given?.id === undefined ? undefined : await vectorsOf(context, given.id, given.routing, signal)
  const planned = plan(context, given, vectorsOfId)
  const { options, k } = planned
  const { lists, tookMs, partial } =
    options.hybrid === undefined ? await searchOnce(context, planned, signal) : await searchTwice(context, planned, signal)
  await checkOrigin(context, lists.flat(), signal)

  const candidates = new Map(lists.flat().map((candidate) => [candidate.id, candidate]))
  const lookup = typeof options.rerank === 'function' ? options.rerank : undefined
  const exact = options.rerank !== false
  const near: Ranked[] = exact
    ? await rank([...candidates.values()], planned.vectors, options.weights, lookup, signal)
    : byScore(lists[0]!).map((candidate) => ({ candidate, distance: Number.NaN }))
  const within = near.filter(({ distance }) => !(distance > (options.maxDistance ?? Infinity)))
  const best = options.hybrid === undefined ? within.slice(0, k).map(withScore) : blend(lists, within, options.hybrid, k, options.maxDistance !== undefined)

  const ids = best.map(({ candidate }) => candidate.id)
  return new EngineNeighbors({
    ids,
    distances: Float32Array.from(best, ({ distance }) => distance),
    scores: Float32Array.from(best, ({ score }) => score),
    documents: await documentsOf(context, ids, options, signal),
    candidates: candidates.size,
    tookMs,
    partial,
  })
}

function withScore({ candidate, distance }: Ranked): Ranked & { score: number } {
  return { candidate, distance, score: candidate.score }
}

/** Order of scores; equal ones by id, since servers differ there. */
function byScore(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}

/** The list by distance and the list by text as one. Of the text's, those that lack a vector have no distance. */
function blend(
  [byVector = [], byText = []]: readonly Candidate[][],
  ranked: readonly Ranked[],
  hybrid: HybridOptions,
  k: number,
  bounded: boolean,
): (Ranked & { score: number })[] {
  const { weight, rankConstant } = readHybrid(hybrid)
  const distances = new Map(ranked.map((one) => [one.candidate.id, one]))
  if (!bounded) {
    for (const candidate of byText) {
      if (!distances.has(candidate.id)) distances.set(candidate.id, { candidate, distance: Number.NaN })
    }
  }
  const near = new Set(byVector.map(({ id }) => id))
  const lists = [
    { ids: ranked.map(({ candidate }) => candidate.id).filter((id) => near.has(id)), weight: 1 },
    { ids: byScore(byText).map(({ id }) => id).filter((id) => distances.has(id)), weight },
  ]
  return reciprocalRankFusion(lists, rankConstant)
    .slice(0, k)
    .map(({ id, score }) => ({ ...distances.get(id)!, score }))
}

function readHybrid(hybrid: HybridOptions): { query: Clause; weight: number; rankConstant: number } {
  const { query, weight = 1, rankConstant = 60 } = checkOptions('hybrid', hybrid, ['query', 'weight', 'rankConstant'])
  const [clause, ...more] = readClauses('hybrid.query', query)
  if (clause === undefined || more.length > 0) throw argumentError('hybrid.query', show(query), 'a query clause')
  for (const [name, value] of Object.entries({ weight, rankConstant })) {
    if (finite(`hybrid.${name}`, value, 'a number from 0') < 0) throw argumentError(`hybrid.${name}`, show(value), 'a number from 0')
  }
  return { query: clause, weight, rankConstant }
}

interface Found {
  lists: Candidate[][]
  tookMs: number
  partial: boolean
}

async function searchOnce(context: EngineContext, { options, body }: PlannedSearch, signal: AbortSignal | undefined): Promise<Found> {
  const { preference, routing, partial } = options
  const reply = await context.ask('search', {
    method: 'POST',
    path: `/${context.name}/_search`,
    query: {
      filter_path: FILTER_PATH,
      allow_partial_search_results: partial === true,
      ...present({ preference, routing }),
    },
    body,
    ...present({ signal }),
  })
  const { candidates, tookMs, incomplete } = readAnswer(context, reply.body, options)
  return { lists: [candidates], tookMs, partial: incomplete }
}

/** By words and by text, in one request. */
async function searchTwice(context: EngineContext, planned: PlannedSearch, signal: AbortSignal | undefined): Promise<Found> {
  const { options, body, query } = planned
  const { query: text } = readHybrid(options.hybrid!)
  const { bool } = query.clause as { bool: { filter?: Clause[]; must?: Clause[]; must_not?: Clause[] } }
  const filter = [...(bool.filter ?? []), ...(bool.must ?? [])]
  const clause = { bool: { must: [text], filter, ...present({ must_not: bool.must_not }) } }
  const stored = Array.isArray(body['docvalue_fields']) && body['docvalue_fields'].length > 1 ? planned.vectors.keys() : []
  const header = {
    index: context.name,
    allow_partial_search_results: options.partial === true,
    ...present({ preference: options.preference, routing: options.routing }),
  }
  const lines = [header, body, header, searchBody(clause, query.candidates, stored, options.timeout)]
  const reply = await context.ask('search', {
    method: 'POST',
    path: '/_msearch',
    query: { filter_path: MANY_FILTER_PATH },
    ndjson: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    ...present({ signal }),
  })
  const responses = isObject(reply.body) && Array.isArray(reply.body['responses']) ? (reply.body['responses'] as unknown[]) : []
  const answers = [responses[0], responses[1]].map((response) => {
    if (isObject(response) && response['error'] !== undefined) {
      throw fromServer('search', typeof response['status'] === 'number' ? response['status'] : 500, response)
    }
    return readAnswer(context, response, options)
  })
  return {
    lists: answers.map(({ candidates }) => candidates),
    tookMs: Math.max(...answers.map(({ tookMs }) => tookMs)),
    partial: answers.some(({ incomplete }) => incomplete),
  }
}

function readAnswer(
  context: EngineContext,
  body: unknown,
  { partial }: Partial<EngineSearchOptions>,
): { candidates: Candidate[]; tookMs: number; incomplete: boolean } {
  const answer = isObject(body) ? body : {}
  const shards = isObject(answer['_shards']) ? answer['_shards'] : {}
  const failed = Number(shards['failed'] ?? 0)
  const incomplete = answer['timed_out'] === true || failed > 0
  if (incomplete && partial !== true) {
    throw new SearchEngineError({
      code: 'ERR_NEARHASH_ENGINE_PARTIAL_RESULT',
      operation: 'search',
      received: failed > 0 ? `results without ${failed} of ${String(shards['total'])} shards` : 'results of a search that ran out of time',
      allowed: 'every shard in time, or partial: true',
    })
  }
  const candidates = hitsOf(answer).flatMap((hit): Candidate[] => {
    if (!isObject(hit) || !isObject(hit['fields'])) return []
    const fields = hit['fields']
    const id = firstText(fields, ID_FIELD)
    // A document that nearhash has not written.
    if (id === undefined) return []
    const vectors = [...context.models.values()].flatMap(({ name, vector }) => {
      const text = firstText(fields, vector)
      return text === undefined ? [] : [[name, text] as const]
    })
    return [{ id, index: String(hit['_index']), score: Number(hit['_score'] ?? 0), vectors: new Map(vectors) }]
  })
  return { candidates, tookMs: Number(answer['took'] ?? 0), incomplete }
}

/** Hits of another index than was checked, or none at all, may mean that the name stands for another index now. */
async function checkOrigin(context: EngineContext, candidates: readonly Candidate[], signal: AbortSignal | undefined): Promise<void> {
  const { index } = await context.open(signal)
  if (candidates.length > 0 && candidates.every((candidate) => candidate.index === index)) return
  context.forget()
  await context.open(signal)
}

/**
 * @internal The stored vectors of a document, by model.
 *
 * @throws SearchEngineError ERR_NEARHASH_ENGINE_DOCUMENT_MISSING
 */
export async function vectorsOf(
  context: EngineContext,
  id: string,
  routing: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Map<Model, NumericArray>> {
  const clause = { ids: { values: [checkId('id', id)] } }
  const { lists } = await searchOnce(
    context,
    {
      options: present({ routing }),
      body: searchBody(clause, 1, context.models.values(), undefined),
    } as PlannedSearch,
    signal,
  )
  const found = lists[0]![0]
  const vectors = new Map<Model, NumericArray>()
  for (const model of context.models.values()) {
    const text = found?.vectors.get(model.name)
    if (text !== undefined) vectors.set(model, readVector(model.name, vectorsFromText(model, [text])))
  }
  if (vectors.size > 0) return vectors
  throw new SearchEngineError({
    code: 'ERR_NEARHASH_ENGINE_DOCUMENT_MISSING',
    operation: 'id',
    received: show(id),
    allowed: found === undefined ? 'the id of a document' : 'the id of a document with a vector',
  })
}

/** The documents' own fields, for the few that are results. */
async function documentsOf(
  context: EngineContext,
  ids: readonly string[],
  { fields, routing }: Partial<EngineSearchOptions>,
  signal: AbortSignal | undefined,
): Promise<(Record<string, unknown> | undefined)[] | undefined> {
  if (fields === undefined || fields === false) return undefined
  if (fields !== true && !Array.isArray(fields)) throw argumentError('fields', show(fields), 'true or names of fields')
  if (ids.length === 0) return []
  const { body } = await context.ask('read documents', {
    method: 'POST',
    path: `/${context.name}/_search`,
    query: {
      filter_path: 'error,status,hits.hits._id,hits.hits._source',
      allow_partial_search_results: false,
      ...present({ routing }),
    },
    body: {
      size: ids.length,
      track_total_hits: false,
      _source: fields === true ? { excludes: [ROOT] } : { includes: fields, excludes: [ROOT] },
      query: { ids: { values: ids } },
    },
    ...present({ signal }),
  })
  const hits = hitsOf(body)
  const found = new Map(hits.map((hit) => [isObject(hit) ? hit['_id'] : undefined, isObject(hit) ? (hit['_source'] as Record<string, unknown> | undefined) ?? {} : {}]))
  return ids.map((id) => found.get(id))
}
