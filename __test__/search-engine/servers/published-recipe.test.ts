// The sixteen mistakes of the published recipe, by their numbers, and what is done instead. Number 13, data without
// structure, is not one that a library can make.

import { ClusterTokens, knnSync, NearhashError } from 'nearhash'
import type { SearchEngineIndex } from 'nearhash/search-engine'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusal, rejection } from '../../support/errors.js'
import { cleanUp, documentsOf, flavour, freshIndex, freshName, photoModel, photos, rawSearch, request, rowsOf, transport, version } from './server.js'

afterAll(cleanUp)

const { rows, queries } = photos(2000)
const model = photoModel(rows, { groups: 32, clusters: 128 })
let index: SearchEngineIndex

beforeAll(async () => {
  index = freshIndex({ model })
  await index.create({ shards: 3, replicas: 0 })
  await index.bulkIngest(documentsOf(rows))
})

/** The recipe's query, with its cut-offs. */
function moreLikeThis(words: readonly string[], cutOffs: Record<string, unknown>): Record<string, unknown> {
  return {
    size: 100,
    docvalue_fields: ['nearhash.id'],
    query: { more_like_this: { fields: ['nearhash.vector.words'], like: [{ doc: { nearhash: { vector: { words } } } }], ...cutOffs } },
  }
}

async function hitsOf(cutOffs: Record<string, unknown>): Promise<number[]> {
  return Promise.all(queries.map(async (query) => (await rawSearch(index.name, moreLikeThis(model.encodeSync([query])[0]!, cutOffs))).length))
}

const CORRECTED = { min_term_freq: 1, min_doc_freq: 1, max_query_terms: 32, minimum_should_match: '1' }

describe('the published recipe', () => {
  it('1: a keyword field has no analyzer; ours has none and keeps words whole', async () => {
    const recipe = { properties: { lsh: { type: 'keyword', analyzer: 'whitespace' } } }
    const refused = await rejection(() => freshIndex({ model }).create({ mappings: recipe }))
    expect(refused).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_MAPPING', status: 400 })
    expect(refused.received).toMatch(/analyzer/)
    const [word] = model.encodeSync([rows[0]!])[0]!
    const found = await rawSearch(index.name, { docvalue_fields: ['nearhash.id'], size: 2000, query: { term: { 'nearhash.vector.words': word } } })
    expect(found.map(({ id }) => id)).toContain('p0')
  })

  it('2: a field of another name is queried without an error and without a hit; ours refuses an index without its fields', async () => {
    expect(await rawSearch(index.name, { query: { term: { lsh_features: '0-1' } } })).toEqual([])
    const foreign = freshName()
    await request('PUT', `/${foreign}`, { settings: { number_of_replicas: 0 }, mappings: { properties: { lsh: { type: 'keyword' } } } })
    expect((await rejection(() => freshIndex({ name: foreign, model }).search({ vector: rows[0]! }))).code).toBe('ERR_NEARHASH_ENGINE_MAPPING')
    await request('DELETE', `/${foreign}`)
  })

  it('3: words are "3-14", never "3-[14]"', async () => {
    const { body } = await request('POST', `/${index.name}/_search`, { size: 100 })
    for (const { _source } of body.hits.hits) {
      for (const word of _source.nearhash.vector.words) expect(word).toMatch(/^\d+-\d+$/)
    }
  })

  it('4, 5, 6: the cut-offs of more_like_this, left alone, lose hits; ours lose none', async () => {
    const corrected = await hitsOf(CORRECTED)
    expect(Math.min(...corrected)).toBe(100)
    // The most that any document can have in common is told by the scores, one for each word.
    const best = async (cutOffs: object): Promise<number> => {
      const words = model.encodeSync([rows[9]!])[0]!
      return (await rawSearch(index.name, moreLikeThis(words, { ...CORRECTED, ...cutOffs })))[0]?.score ?? 0
    }
    expect(await best({})).toBe(32)
    expect(await best({ max_query_terms: 25 })).toBe(25)
    expect(await best({ min_doc_freq: 50 })).toBeLessThan(32)
    const left = await hitsOf({ min_term_freq: 1, max_query_terms: 32 })
    expect(Math.min(...left)).toBeLessThan(100)
    expect(await hitsOf({}).then((hits) => Math.max(...hits))).toBe(0)
    for (const vector of queries) expect((await index.search({ vector, matching: 'moreLikeThis', k: 100 })).length).toBe(100)
  })

  it('7: training twice gives the same words', () => {
    expect(photoModel(rows, { groups: 32, clusters: 128 }).modelHash).toBe(model.modelHash)
    expect(photoModel(rows, { groups: 32, clusters: 128, seed: 4 }).modelHash).not.toBe(model.modelHash)
  })

  it('8: an id is text, and a number is not taken for one', async () => {
    expect((await rejection(() => index.store({ id: 7 as never, vector: rows[0]! }))).argument).toBe('id')
  })

  it('9: documents are visible when ingestion has ended', async () => {
    const own = freshIndex({ model })
    await own.create({ replicas: 0, settings: { refresh_interval: '-1' } })
    await own.bulkIngest(documentsOf(rows.slice(0, 10)), { refresh: false })
    expect(await own.count()).toBe(0)
    await own.bulkIngest(documentsOf(rows.slice(0, 10)))
    expect(await own.count()).toBe(10)
  })

  it('10, 11: a word is worth its weight and not what its shard makes of it', async () => {
    const plain = freshName()
    await request('PUT', `/${plain}`, { settings: { number_of_shards: 3, number_of_replicas: 0 }, mappings: { properties: { lsh: { type: 'keyword' } } } })
    const [word] = model.encodeSync([rows[0]!])[0]!
    const lines = rows.slice(0, 300).flatMap((_, i) => [{ index: { _id: `p${i}` } }, { lsh: [word] }])
    await transport.request({ method: 'POST', path: `/${plain}/_bulk`, query: { refresh: true }, ndjson: lines.map((line) => `${JSON.stringify(line)}\n`).join('') })
    const recipe = await rawSearch(plain, { size: 300, query: { term: { lsh: word } } })
    const scores = new Set(recipe.map(({ score }) => score))
    // OpenSearch 3 gives every match in a keyword field the same score unless the mapping asks for more.
    if (flavour === 'opensearch' && !version.startsWith('2.')) expect(scores).toEqual(new Set([1]))
    else expect(scores.size).toBeGreaterThan(1)
    const ours = await rawSearch(index.name, { size: 2000, docvalue_fields: ['nearhash.id'], query: { term: { 'nearhash.vector.words': word } } })
    expect(new Set(ours.map(({ score }) => score))).toEqual(new Set([1]))
    await request('DELETE', `/${plain}`)
  })

  it('12: groups need not divide the dimensions', async () => {
    const uneven = freshIndex({ model: photoModel(rows, { groups: 17, clusters: 16 }) })
    await uneven.create({ replicas: 0 })
    await uneven.bulkIngest(documentsOf(rows))
    expect((await uneven.search({ vector: rows[3]!, k: 1 })).distances[0]).toBe(0)
  })

  it('14: a model that is damaged is not loaded', () => {
    const bytes = model.toBytes()
    expect(ClusterTokens.fromBytes(bytes).modelHash).toBe(model.modelHash)
    bytes[bytes.length >> 1]! ^= 1
    expect(refusal(() => ClusterTokens.fromBytes(bytes))).toBeInstanceOf(NearhashError)
  })

  it('15: without exact ranking many of the first ten are wrong; ours are ranked', async () => {
    const exact = knnSync(rows, queries, { k: 10 })
    const recall = async (rerank: boolean): Promise<number> => {
      let found = 0
      for (const [i, vector] of queries.entries()) {
        const ids = new Set(rowsOf(await index.search({ vector, rerank })))
        found += Array.from(exact.at(i).ids).filter((row) => ids.has(row)).length
      }
      return found / (10 * queries.length)
    }
    const [raw, ranked] = [await recall(false), await recall(true)]
    expect(raw).toBeLessThan(0.8)
    expect(ranked).toBeGreaterThan(0.95)
  })

  it('16: more groups and clusters ask for more clauses, which is told before the server is asked', () => {
    const large = freshIndex({ model: photoModel(rows, { groups: 64, clusters: 64 }) })
    expect(refusal(() => large.buildQuery({ vector: rows[0]!, probes: 20 })).code).toBe('ERR_NEARHASH_ENGINE_TOO_MANY_CLAUSES')
  })

  it('the server refuses the same, with the same name for it', async () => {
    const bold = freshIndex({ model, name: index.name, maxClauses: 100_000 })
    const many = { bool: { should: Array.from({ length: 20_000 }, (_, i) => ({ term: { 'nearhash.vector.words': String(i) } })) } }
    const error = await rejection(() => bold.search({ vector: rows[0]!, filter: many }))
    expect(error).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_TOO_MANY_CLAUSES', status: 400 })
  })
})
