import { NearhashError } from 'nearhash'
import { connect, SearchEngineError, SearchEngineIndex, type EngineSearchOptions } from 'nearhash/search-engine'
import { describe, expect, it } from 'vitest'
import { refusal } from '../support/errors.js'
import { pocketModel } from './pocket-model.js'

const transport = connect({ nodes: 'http://127.0.0.1:9' })
const photos = new SearchEngineIndex({ transport, name: 'photos', model: pocketModel() })
const both = new SearchEngineIndex({ transport, name: 'both', models: { image: pocketModel(), caption: pocketModel({ dim: 2, name: 'b' }) } })
const vector = [1, 2, 3, 4]

interface Bool {
  should: { term?: Record<string, { value: string; boost: number }>; more_like_this?: Record<string, unknown> }[]
  minimum_should_match: number
  filter?: unknown[]
  must?: unknown[]
  must_not?: unknown[]
}

function boolOf(body: Record<string, unknown>): Bool {
  return (body['query'] as { bool: Bool }).bool
}

describe('the query for candidates', () => {
  it('is plain JSON: weighted terms, any of which is enough, ids and vectors from doc values', () => {
    expect(photos.buildQuery({ vector, probes: 1, candidates: 100 })).toEqual({
      size: 100,
      track_total_hits: false,
      stored_fields: '_none_',
      docvalue_fields: ['nearhash.id', 'nearhash.vector.vector'],
      query: {
        bool: {
          should: ['0-1', '1-2', '2-3', '3-4'].map((value) => ({ term: { 'nearhash.vector.words': { value, boost: 1 } } })),
          minimum_should_match: 1,
        },
      },
    })
  })

  it('has 300 candidates unless told otherwise, and at least k', () => {
    expect(photos.buildQuery({ vector })['size']).toBe(300)
    expect(photos.buildQuery({ vector, k: 1000 })['size']).toBe(1000)
    expect(refusal(() => photos.buildQuery({ vector, k: 10, candidates: 9 })).argument).toBe('candidates')
  })

  it('puts probes into words with smaller weights', () => {
    const { should } = boolOf(photos.buildQuery({ vector, probes: 3 }))
    expect(should).toHaveLength(12)
    expect(should[1]!.term).toEqual({ 'nearhash.vector.words': { value: '0-0', boost: 0.5 } })
    expect(should[2]!.term).toEqual({ 'nearhash.vector.words': { value: '0-2', boost: Math.fround(1 / 3) } })
  })

  it('counts common words with matching "words"', () => {
    const { should } = boolOf(photos.buildQuery({ vector, matching: 'words' }))
    expect(should.map(({ term }) => term!['nearhash.vector.words'])).toEqual(
      ['0-1', '1-2', '2-3', '3-4'].map((value) => ({ value, boost: 1 })),
    )
  })

  it('asks more_like_this with every cut-off taken off', () => {
    const { should } = boolOf(photos.buildQuery({ vector, matching: 'moreLikeThis' }))
    expect(should).toEqual([
      {
        more_like_this: {
          fields: ['nearhash.vector.words'],
          like: [{ doc: { nearhash: { vector: { words: ['0-1', '1-2', '2-3', '3-4'] } } } }],
          min_term_freq: 1,
          min_doc_freq: 1,
          max_query_terms: 4,
          minimum_should_match: '1',
          boost: 1,
        },
      },
    ])
    expect(refusal(() => photos.buildQuery({ vector, matching: 'moreLikeThis', probes: 2 })).argument).toBe('probes')
  })

  it('takes the caller\'s clauses as they are', () => {
    const filter = { term: { colour: 'red' } }
    const must = [{ match: { caption: 'dog' } }, { range: { n: { gt: 3 } } }]
    const mustNot = { exists: { field: 'hidden' } }
    const bool = boolOf(photos.buildQuery({ vector, filter, must, mustNot }))
    expect(bool).toMatchObject({ filter: [filter], must, must_not: [mustNot] })
  })

  it('joins several models in one query, each with its share', () => {
    const { should } = boolOf(both.buildQuery({ vectors: { image: vector, caption: [5, 6] }, probes: 1, weights: { caption: 0.25 } }))
    expect(should.map(({ term }) => Object.entries(term!)[0])).toEqual([
      ...['0-1', '1-2', '2-3', '3-4'].map((value) => ['nearhash.image.words', { value, boost: 1 }]),
      ...['0-5', '1-6'].map((value) => ['nearhash.caption.words', { value, boost: 0.25 }]),
    ])
    expect(both.buildQuery({ vectors: { caption: [5, 6] } })['docvalue_fields']).toEqual(['nearhash.id', 'nearhash.caption.vector'])
  })

  it('brings no vectors where they are not needed', () => {
    expect(photos.buildQuery({ vector, rerank: false })['docvalue_fields']).toEqual(['nearhash.id'])
    expect(photos.buildQuery({ vector, rerank: () => [] })['docvalue_fields']).toEqual(['nearhash.id'])
  })

  it('counts its clauses before it is sent, those of the caller too', () => {
    const small = new SearchEngineIndex({ transport, name: 'small', model: pocketModel(), maxClauses: 10 })
    expect(boolOf(small.buildQuery({ vector, probes: 2 })).should).toHaveLength(8)
    const clause = { term: { a: 1 } }
    expect(() => small.buildQuery({ vector, filter: [clause, { bool: { should: [clause] } }] })).not.toThrow()
    for (const options of [
      { vector, probes: 3 },
      { vector, filter: { bool: { should: [clause, clause], must_not: clause } } },
      { vector, must: { dis_max: { queries: [clause, clause, { constant_score: { filter: clause } }] } } },
      { vector, mustNot: [{ nested: { path: 'p', query: { bool: { must: [clause, clause, clause] } } } }] },
      { vector, filter: [{ boosting: { positive: clause, negative: clause } }, { function_score: { query: clause } }] },
    ] satisfies EngineSearchOptions[]) {
      const error = refusal(() => small.buildQuery(options))
      expect(error).toBeInstanceOf(SearchEngineError)
      expect(error.code).toBe('ERR_NEARHASH_ENGINE_TOO_MANY_CLAUSES')
      expect(error.received).toMatch(/^1[12] clauses$/)
    }
  })

  it('lets text through as data', () => {
    const text = '"}}\n\r\u2028{"match_all":{}} \\" \u0000 ' + 'x'.repeat(100_000)
    const body = photos.buildQuery({ vector, filter: { term: { caption: text } } })
    expect(JSON.parse(JSON.stringify(body))).toEqual(body)
    expect(boolOf(body).filter).toEqual([{ term: { caption: text } }])
  })
})

describe('a search that can not be meant', () => {
  it.each<[string, EngineSearchOptions]>([
    ['vector', {}],
    ['id', { vector, id: 'a' }],
    ['vector', { vector, vectors: { vector } }],
    ['vector', { vector: [1, 2] }],
    ['vector', { vector: [] }],
    ['vectors', { vectors: { picture: vector } }],
    ['k', { vector, k: 0 }],
    ['candidates', { vector, candidates: 10_001 }],
    ['probes', { vector, probes: -1 }],
    ['matching', { vector, matching: 'exact' as 'words' }],
    ['filter', { vector, filter: 'red' as never }],
    ['must', { vector, must: { match: {}, term: {} } }],
    ['mustNot', { vector, mustNot: [{}] }],
    ['weights.vector', { vector, weights: { vector: 0 } }],
    ['maxDistance', { vector, maxDistance: Number.NaN }],
    ['rerank', { vector, rerank: 'yes' as never }],
    ['rerank', { vector, rerank: false, maxDistance: 1 }],
    ['options', { vector, topK: 3 } as EngineSearchOptions],
    ['partial', { vector, partial: 1 as never }],
    ['hybrid.query', { vector, hybrid: {} as never }],
    ['hybrid.weight', { vector, hybrid: { query: { match_all: {} }, weight: -1 } }],
    ['hybrid', { vector, hybrid: { query: { match_all: {} }, rank: 3 } as never }],
    ['id', { id: 'a' }],
  ])('names %s', (argument, options) => {
    const error = refusal(() => photos.buildQuery(options))
    expect(error).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT', argument })
  })

  it('has a model for every vector', () => {
    expect(refusal(() => both.buildQuery({ vector })).argument).toBe('vectors')
    expect(refusal(() => both.buildQuery({ vectors: { image: vector, sound: vector } })).received).toBe('"sound"')
  })
})

describe('an index object', () => {
  it.each<[string, object]>([
    ['transport', { name: 'a', model: pocketModel() }],
    ['name', { transport, name: 'Photos', model: pocketModel() }],
    ['name', { transport, name: 'a/b', model: pocketModel() }],
    ['name', { transport, name: '..', model: pocketModel() }],
    ['name', { transport, name: 'a,b', model: pocketModel() }],
    ['name', { transport, name: 'a*', model: pocketModel() }],
    ['model', { transport, name: 'a' }],
    ['model', { transport, name: 'a', model: pocketModel(), models: {} }],
    ['models', { transport, name: 'a', models: {} }],
    ['models', { transport, name: 'a', models: { id: pocketModel() } }],
    ['models', { transport, name: 'a', models: { 'a.b': pocketModel() } }],
    ['vector', { transport, name: 'a', model: {} }],
    ['vectorType', { transport, name: 'a', model: { tokens: pocketModel(), vectorType: 'float16' } }],
    ['storage', { transport, name: 'a', model: pocketModel(), storage: 'small' }],
    ['maxClauses', { transport, name: 'a', model: pocketModel(), maxClauses: 0 }],
    ['attempts', { transport, name: 'a', model: pocketModel(), retries: { attempts: -1 } }],
  ])('refuses a wrong %s', (argument, options) => {
    const error = refusal(() => new SearchEngineIndex(options as never))
    expect(error).toBeInstanceOf(NearhashError)
    expect(error).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT', argument })
  })
})
