import { knnSync, LshTokens, SRP } from 'nearhash'
import type { SearchEngineIndex } from 'nearhash/search-engine'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rejection } from '../../support/errors.js'
import { pocketModel } from '../pocket-model.js'
import { cleanUp, documentsOf, freshIndex, photoModel, photos, rawSearch, rowsOf } from './server.js'

afterAll(cleanUp)

const { rows, queries } = photos(2000)
const model = photoModel(rows)
const colours = ['red', 'green', 'blue', 'a dark red']
const mappings = { properties: { caption: { type: 'text' }, colour: { type: 'keyword' }, n: { type: 'integer' } } }
let index: SearchEngineIndex

beforeAll(async () => {
  index = freshIndex({ model })
  await index.create({ shards: 2, replicas: 0, mappings })
  await index.bulkIngest(documentsOf(rows, (n) => ({ caption: `photo ${n} ${colours[n % 4]}`, colour: colours[n % 4], n })))
})

describe('a search on a real server', () => {
  it('keeps to the filter, in the same order as exact search among the matching documents', async () => {
    const red = rows.flatMap((_, n) => (n % 4 === 0 ? [n] : []))
    for (const vector of queries) {
      const found = await index.search({ vector, k: 5, candidates: 2000, probes: 60, filter: { term: { colour: 'red' } } })
      const exact = knnSync(red.map((n) => rows[n]!), [vector], { k: 5 })
      expect(rowsOf(found).every((n) => n % 4 === 0)).toBe(true)
      expect(Array.from(found.distances)).toEqual(Array.from(exact.at(0).distances))
    }
  })

  it('joins clauses of the text with the words of the vector', async () => {
    const [vector] = queries as [number[]]
    const found = await index.search({
      vector,
      k: 20,
      must: { match: { caption: 'dark' } },
      filter: [{ range: { n: { gte: 1000 } } }],
      mustNot: { term: { n: 1003 } },
      fields: ['colour'],
    })
    expect(found).toHaveLength(20)
    expect(rowsOf(found).every((n) => n % 4 === 3 && n >= 1000 && n !== 1003)).toBe(true)
    expect(found.documents).toEqual(Array(20).fill({ colour: 'a dark red' }))
  })

  it('finds the neighbours of a document without the document', async () => {
    const { ids, distances } = await index.search({ id: 'p77', k: 10 })
    expect(ids).not.toContain('p77')
    const exact = knnSync(rows, [rows[77]!], { k: 11 }).at(0)
    expect(distances[0]).toBe(exact.distances[1])
    expect((await rejection(() => index.search({ id: 'nobody' }))).code).toBe('ERR_NEARHASH_ENGINE_DOCUMENT_MISSING')
  })

  it('gives nothing that is farther than wanted', async () => {
    const [vector] = queries as [number[]]
    const all = await index.search({ vector, k: 20 })
    const limit = all.distances[9]!
    const near = await index.search({ vector, k: 20, maxDistance: limit })
    expect(near.ids).toEqual(all.ids.slice(0, near.length))
    expect(near.distances.at(-1)).toBe(limit)
    expect(await index.search({ vector, maxDistance: -1 })).toHaveLength(0)
  })

  it('ranks by vectors that the caller looks up, the same as by its own', async () => {
    const [vector] = queries as [number[]]
    const own = await index.search({ vector, k: 10 })
    const asked: string[] = []
    const looked = await index.search({ vector, k: 10, rerank: (ids) => (asked.push(...ids), ids.map((id) => rows[Number(id.slice(1))])) })
    expect(looked.ids).toEqual(own.ids)
    expect(asked).toHaveLength(own.candidates)
    const few = await index.search({ vector, k: 10, rerank: (ids) => ids.map((id) => (own.ids.slice(0, 3).includes(id) ? rows[Number(id.slice(1))] : undefined)) })
    expect(few.ids).toEqual(own.ids.slice(0, 3))
  })

  it('gives the order of the scores without exact ranking', async () => {
    const [vector] = queries as [number[]]
    const found = await index.search({ vector, k: 20, rerank: false })
    expect(Array.from(found.scores)).toEqual(Array.from(found.scores).sort((a, b) => b - a))
    expect(Array.from(found.distances).every(Number.isNaN)).toBe(true)
  })

  it('by the server\'s more_like_this has the candidates of counted words', async () => {
    for (const vector of queries.slice(0, 5)) {
      const [count, like] = await Promise.all(
        (['words', 'moreLikeThis'] as const).map((matching) => rawSearch(index.name, index.buildQuery({ vector, matching, candidates: 50 }))),
      )
      expect(like!.map(({ score }) => score)).toEqual(count!.map(({ score }) => score))
    }
  })

  it('blends text and vector by their places in both lists', async () => {
    const [vector] = queries as [number[]]
    const query = { match: { caption: 'red' } }
    const [near, blended] = [await index.search({ vector, k: 300 }), await index.search({ vector, k: 10, hybrid: { query } })]
    const places = new Map(near.ids.map((id, i) => [id, i + 1]))
    expect(Array.from(blended.scores)).toEqual(Array.from(blended.scores).sort((a, b) => b - a))
    // What is near and red comes before what is only one of the two.
    expect(rowsOf(blended).filter((n) => n % 4 === 0 || n % 4 === 3).length).toBeGreaterThan(5)
    expect(blended.ids.filter((id) => places.has(id)).length).toBeGreaterThan(3)
    const alone = await index.search({ vector, k: 10, hybrid: { query, weight: 0 } })
    expect(alone.ids).toEqual(near.ids.slice(0, 10))
    for (const [i, id] of blended.ids.entries()) {
      const exact = knnSync([rows[Number(id.slice(1))]!], [vector], { k: 1 }).distances[0]
      expect(blended.distances[i]).toBe(exact)
    }
    const bounded = await index.search({ vector, k: 50, hybrid: { query }, maxDistance: near.distances[30]! })
    expect(Math.max(...bounded.distances)).toBeLessThanOrEqual(near.distances[30]!)
  })

  it('explains itself: the shared words, and the same score as the server', async () => {
    const [vector] = queries as [number[]]
    const { ids, scores, distances } = await index.search({ vector, k: 3 })
    for (const [i, id] of ids.entries()) {
      const why = await index.explain(id, { vector })
      expect(why.distance).toBe(distances[i])
      expect(Math.abs(why.score - why.serverScore!)).toBeLessThanOrEqual(1e-6 * why.score)
      expect(why.serverScore).toBeCloseTo(scores[i]!, 2)
      expect(why.words.map(({ weight }) => weight)).toEqual(why.words.map(({ weight }) => weight).sort((a, b) => b - a))
      expect(why.words.length).toBeGreaterThan(0)
    }
  })

  it('asks several models in one query and adds up their distances', async () => {
    const other = new LshTokens(new SRP({ dim: 64, nProjections: 6, nHashTables: 16 }))
    const both = freshIndex({ models: { shape: model, angle: { tokens: other, vectorType: 'int16' } } })
    await both.create({ replicas: 0 })
    const twins = rows.slice(0, 300).map((row, i) => ({ id: `p${i}`, vectors: { shape: row, ...(i % 2 === 0 ? { angle: rows[i + 1]! } : {}) } }))
    await both.bulkIngest(twins)
    const [a, b] = queries as [number[], number[]]
    const found = await both.search({ vectors: { shape: a, angle: b }, weights: { angle: 1000 }, k: 10, candidates: 300, probes: 4 })
    expect(rowsOf(found).every((i) => i % 2 === 0)).toBe(true)
    const [shape, angle] = [knnSync(rows.slice(0, 300), [a], { k: 300 }), knnSync(rows.slice(0, 301), [b], { k: 301, metric: 'cosine' })]
    const distance = (list: typeof shape, row: number): number => list.distances[list.ids.indexOf(row)]!
    for (const [i, row] of rowsOf(found).entries()) {
      expect(found.distances[i]).toBeCloseTo(distance(shape, row) + 1000 * distance(angle, row + 1), 1)
    }
    const alone = await both.search({ vectors: { angle: b }, k: 5 })
    expect(rowsOf(alone).every((i) => i % 2 === 0)).toBe(true)
    expect((await both.search({ id: 'p1', k: 3 })).ids).not.toContain('p1')
  })

  it('stays on the shard of its routing', async () => {
    const routed = freshIndex({ model: pocketModel() })
    await routed.create({ shards: 5, replicas: 0 })
    const input = Array.from({ length: 200 }, (_, i) => ({ id: `p${i}`, vector: [0, 0, 0, i], routing: `tenant-${i % 4}` }))
    await routed.bulkIngest(input)
    const found = await routed.search({ vector: [0, 0, 0, 0], k: 200, routing: 'tenant-1' })
    const own = rowsOf(found).filter((i) => i % 4 === 1)
    expect(own).toHaveLength(50)
    expect(found.length).toBeLessThan(200)
    // Other tenants may be on that shard, too; which ones is the server's own affair.
    const others = rowsOf(found).filter((i) => i !== 5)
    const nearest = others.sort((a, b) => Math.abs(a - 5) - Math.abs(b - 5) || (`p${a}` < `p${b}` ? -1 : 1))
    expect(rowsOf(await routed.search({ id: 'p5', routing: 'tenant-1', k: 2 }))).toEqual(nearest.slice(0, 2))
    expect((await routed.get('p5', { routing: 'tenant-1' }))?.id).toBe('p5')
  })

  it('hands timeout and preference on', async () => {
    const found = await index.search({ vector: queries[0]!, timeout: '60s', preference: '_local' })
    expect(found.partial).toBe(false)
    const wrong = await rejection(() => index.search({ vector: queries[0]!, timeout: 'soon' }))
    expect(wrong.received).toContain('soon')
  })

  it('takes any text for ids and fields as data', async () => {
    const texts = ['"', "'", '\\', '\n', '\r\n{"delete":{}}\n', '..', '.', '/_search', '?q=*', '#', '%2e%2e', '☃\u2028', '*', '_all', '<script>', '{"match_all":{}}', 'x'.repeat(512)]
    const strange = freshIndex({ model: pocketModel() })
    await strange.create({ replicas: 0, mappings })
    await strange.bulkIngest(texts.map((id, i) => ({ id, vector: [i, 0, 0, 0], fields: { caption: id, colour: id } })))
    expect(await strange.count()).toBe(texts.length)
    for (const [i, id] of texts.entries()) {
      const [first] = (await strange.search({ vector: [i, 0, 0, 0], k: 1, filter: { term: { colour: id } } })).ids
      expect(first).toBe(id)
      expect(await strange.get(id)).toMatchObject({ id, fields: { caption: id } })
      await strange.updateFields(id, { n: i })
      expect((await strange.search({ id, k: texts.length })).ids).not.toContain(id)
      expect((await strange.explain(id, { vector: [i, 0, 0, 0] })).id).toBe(id)
    }
    const long = 'word '.repeat(200_000)
    await strange.store({ id: 'long', vector: [50, 0, 0, 0], fields: { caption: long } }, { refresh: true })
    expect((await strange.search({ vector: [50, 0, 0, 0], k: 1, must: { match: { caption: { query: `"}} ${'word '.repeat(1000)}`, operator: 'or' } } } })).ids).toEqual(['long'])
    for (const id of texts) expect(await strange.delete(id)).toBe(true)
    await strange.refresh()
    expect(await strange.count()).toBe(1)
  })

  it('keeps integers as integers', async () => {
    const bytes = freshIndex({ model: { tokens: pocketModel(), vectorType: 'uint8' } })
    await bytes.create({ replicas: 0 })
    await bytes.store({ id: 'a', vector: [0, 1, 255, 7] }, { refresh: true })
    expect((await bytes.search({ vector: [0, 1, 255, 7] })).distances[0]).toBe(0)
    expect((await bytes.get('a'))!.vectors).toEqual({ vector: Uint8Array.of(0, 1, 255, 7) })
    expect((await rejection(() => bytes.store({ id: 'b', vector: [0, 1, 256, 7] }))).received).toBe('256 at column 2')
  })

  it('tells what the server did not understand', async () => {
    const [vector] = queries as [number[]]
    const unknown = await rejection(() => index.search({ vector, filter: { mach: { caption: 'x' } } }))
    expect(unknown).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_REQUEST', status: 400 })
    expect(unknown.received).toContain('mach')
    expect((await rejection(() => freshIndex({ model }).search({ vector }))).code).toBe('ERR_NEARHASH_ENGINE_INDEX_MISSING')
  })
})
