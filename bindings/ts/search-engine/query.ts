import { argumentError, show } from '../errors.js'
import { finite, integer, oneOf, optionalInteger, present } from '../options.js'
import type { NumericArray } from '../vectors.js'
import { isObject, SearchEngineError } from './engine-error.js'
import { ID_FIELD, type Model } from './models.js'

/** A query clause as the server takes it, plain JSON. */
export type Clause = Readonly<Record<string, unknown>>

/**
 * How candidates are found: `'weighted'` by the words of the nearest clusters or buckets, each with its weight;
 * `'words'` by the number of common words; `'moreLikeThis'` the same by the server's own query with cut-offs that lose
 * nothing.
 */
export type Matching = 'weighted' | 'words' | 'moreLikeThis'

/** What decides which candidates there are. */
export interface CandidateOptions {
  /** Candidates to rank exactly, of all shards together; default 300, at least k. */
  candidates?: number
  /** Clusters per group, or further buckets per table; default: the model's own. */
  probes?: number
  /** Default `'weighted'`. */
  matching?: Matching
  /** Share of each model's weights and distances; default 1. */
  weights?: Readonly<Record<string, number>>
  /** Clauses that every result matches and that don't change the order. */
  filter?: Clause | readonly Clause[]
  /** Clauses that every result matches and whose score counts when candidates are chosen. */
  must?: Clause | readonly Clause[]
  /** Clauses that no result matches. */
  mustNot?: Clause | readonly Clause[]
}

/** @internal Names of {@link CandidateOptions}. */
export const CANDIDATE_OPTIONS = ['candidates', 'probes', 'matching', 'weights', 'filter', 'must', 'mustNot'] as const

/** @internal What a request for candidates consists of, checked. */
export interface CandidateQuery {
  candidates: number
  clause: Clause
  /** Words and weights by model. */
  words: Map<Model, { words: readonly string[]; weights: readonly number[] }>
}

const MATCHINGS = ['weighted', 'words', 'moreLikeThis'] as const

/** Results that a search can have on a server that was not told otherwise. */
const MAX_RESULT_WINDOW = 10_000

/**
 * @internal The query for candidates.
 *
 * @param maxClauses Most clauses that the server takes.
 * @param excluded Id of the document whose own neighbours are wanted.
 */
export function candidateQuery(
  vectors: ReadonlyMap<Model, NumericArray>,
  k: number,
  options: CandidateOptions,
  maxClauses: number,
  excluded?: string,
): CandidateQuery {
  const matching = oneOf('matching', options.matching, MATCHINGS, 'weighted')
  const candidates =
    options.candidates === undefined ? Math.max(300, k) : integer('candidates', options.candidates, k, MAX_RESULT_WINDOW)
  const probes = optionalInteger('probes', options.probes, 0, 100_000)
  if (probes !== undefined && matching !== 'weighted') {
    throw argumentError('probes', `${probes} with matching ${JSON.stringify(matching)}`, 'matching "weighted"')
  }
  const words = new Map<Model, { words: readonly string[]; weights: readonly number[] }>()
  for (const [model, vector] of vectors) {
    const share = shareOf(options.weights, model)
    if (matching === 'weighted') {
      const { words: own, weights } = model.tokens.encodeQuery(vector, present({ probes }))
      words.set(model, { words: own, weights: Array.from(weights, (weight) => Math.fround(weight * share)) })
    } else {
      const [own = []] = model.tokens.encodeSync([vector])
      words.set(model, { words: own, weights: own.map(() => Math.fround(share)) })
    }
  }
  const [filter, must, mustNot] = [readClauses('filter', options.filter), readClauses('must', options.must), readClauses('mustNot', options.mustNot)]
  const clauses =
    [...words.values()].reduce((sum, { words }) => sum + words.length, 0) +
    [...filter, ...must, ...mustNot].reduce((sum, clause) => sum + leaves(clause), 0) +
    (excluded === undefined ? 0 : 1)
  if (clauses > maxClauses) throw tooManyClauses(clauses, maxClauses)
  const should = [...words].flatMap(([model, { words, weights }]) =>
    matching === 'moreLikeThis' ? [moreLikeThis(model, words, weights[0] ?? 1)] : wordClauses(model, words, weights),
  )
  return {
    candidates,
    words,
    clause: {
      bool: {
        ...(filter.length === 0 ? {} : { filter }),
        ...(must.length === 0 ? {} : { must }),
        ...(mustNot.length === 0 && excluded === undefined
          ? {}
          : { must_not: [...mustNot, ...(excluded === undefined ? [] : [{ ids: { values: [excluded] } }])] }),
        should,
        // Any more takes the server off its fast path, and a share of the words loses neighbours.
        minimum_should_match: 1,
      },
    },
  }
}

/** @internal */
export function shareOf(weights: Readonly<Record<string, number>> | undefined, { name }: Model): number {
  const share = weights?.[name]
  if (share === undefined) return 1
  if (finite(`weights.${name}`, share, 'a finite number above 0') <= 0) {
    throw argumentError(`weights.${name}`, show(share), 'a finite number above 0')
  }
  return share
}

function wordClauses(model: Model, words: readonly string[], weights: readonly number[]): Clause[] {
  return words.map((value, i) => ({ term: { [model.words]: { value, boost: weights[i]! } } }))
}

/** The server's own query with every cut-off that would lose words or documents taken off. */
function moreLikeThis(model: Model, words: readonly string[], boost: number): Clause {
  const [root, name] = model.words.split('.') as [string, string]
  return {
    more_like_this: {
      fields: [model.words],
      like: [{ doc: { [root]: { [name]: { words } } } }],
      min_term_freq: 1,
      min_doc_freq: 1,
      max_query_terms: words.length,
      minimum_should_match: '1',
      boost,
    },
  }
}

/** @internal The caller's clauses as a list. */
export function readClauses(argument: string, given: Clause | readonly Clause[] | undefined): readonly Clause[] {
  const clauses = given === undefined ? [] : Array.isArray(given) ? (given as readonly Clause[]) : [given as Clause]
  for (const clause of clauses) {
    if (!isObject(clause) || Object.keys(clause).length !== 1) {
      throw argumentError(argument, isObject(clause) ? `an object with ${Object.keys(clause).length} keys` : show(clause), 'query clauses such as { term: { colour: "red" } }')
    }
  }
  return clauses
}

/** Clauses as the server counts them: those that hold no others. */
function leaves(clause: unknown): number {
  if (!isObject(clause)) return 1
  const [name, inside] = Object.entries(clause)[0] ?? []
  const nested = (value: unknown): number =>
    (Array.isArray(value) ? value : [value]).reduce((sum: number, one: unknown) => sum + leaves(one), 0)
  if (!isObject(inside)) return 1
  switch (name) {
    case 'bool':
      return ['filter', 'must', 'must_not', 'should'].reduce((sum, key) => sum + (key in inside ? nested(inside[key]) : 0), 0)
    case 'dis_max':
      return nested(inside['queries'])
    case 'constant_score':
      return nested(inside['filter'])
    case 'nested':
    case 'function_score':
    case 'script_score':
      return nested(inside['query'])
    case 'boosting':
      return nested(inside['positive']) + nested(inside['negative'])
    default:
      return 1
  }
}

/** @internal */
export function tooManyClauses(clauses: number, maxClauses: number): SearchEngineError {
  return new SearchEngineError({
    code: 'ERR_NEARHASH_ENGINE_TOO_MANY_CLAUSES',
    operation: 'search',
    received: `${clauses} clauses`,
    allowed: `${maxClauses}: fewer probes or models, or a higher maxClauses when the server's limit is higher`,
  })
}

/**
 * @internal Body of a search that brings ids and vectors.
 *
 * Both come from doc values: reading stored fields (`_id`, `_source`) costs three times as much for hundreds of hits.
 */
export function searchBody(clause: Clause, size: number, vectors: Iterable<Model>, timeout: string | undefined): Record<string, unknown> {
  return {
    size,
    track_total_hits: false,
    ...present({ timeout }),
    stored_fields: '_none_',
    docvalue_fields: [ID_FIELD, ...Array.from(vectors, ({ vector }) => vector)],
    query: clause,
  }
}
