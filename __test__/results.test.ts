import { inspect } from 'node:util'
import { knnSync, L2, type Neighbors } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { refusal } from './support/errors.js'

const points = [[0, 0], [3, 4], [6, 8], [30, 40]]
/** One table of two buckets: the first three points, and the last one. */
const index = new L2({ nProjections: 1, nHashTables: 1, r: 20, seed: 2 }).fitSync(points)
const queries = [[0, 0], [30, 40], [3, 3]]

describe('Neighbors', () => {
  const found: Neighbors = index.searchSync(queries, { k: 4 })

  it('holds row i at offset i * k, as many as counts say, and zeros behind', () => {
    expect([...index.buckets(0).values()]).toEqual([Uint32Array.of(0, 1, 2), Uint32Array.of(3)])
    expect([found.k, found.length]).toEqual([4, 3])
    expect(found.counts).toEqual(Uint32Array.of(3, 1, 3))
    expect(found.ids).toEqual(Uint32Array.of(0, 1, 2, 0, 3, 0, 0, 0, 1, 0, 2, 0))
    expect(found.distances.slice(0, 8)).toEqual(Float32Array.of(0, 5, 10, 0, 0, 0, 0, 0))
  })

  it('has ten places a query when nothing else is said', async () => {
    expect([index.searchSync(queries).k, (await index.search(queries)).k, knnSync(points, queries).k]).toEqual([10, 10, 10])
  })

  it('gives a row as views, also counted from the end', () => {
    expect(found.at(0)).toEqual({ ids: Uint32Array.of(0, 1, 2), distances: Float32Array.of(0, 5, 10) })
    expect(found.at(1)).toEqual({ ids: Uint32Array.of(3), distances: Float32Array.of(0) })
    expect(found.at(-3)).toEqual(found.at(0))
    expect(found.at(-1)).toEqual(found.at(2))
    expect(found.at(2).ids.buffer).toBe(found.ids.buffer)
  })

  it.each([3, -4, 0.5, NaN, Infinity])('has no row %s', (i) => {
    expect(refusal(() => found.at(i))).toMatchObject({
      code: 'ERR_NEARHASH_ARGUMENT',
      argument: 'i',
      received: String(i),
      allowed: 'an integer from -3 to 2',
    })
  })

  it('is iterable, more than once', () => {
    const rows = [found.at(0), found.at(1), found.at(2)]
    expect([...found]).toEqual(rows)
    expect(Array.from(found)).toEqual(rows)
    const firsts = []
    for (const { ids } of found) firsts.push(ids[0])
    expect(firsts).toEqual([0, 3, 1])
  })

  it('becomes plain JSON', () => {
    expect(JSON.parse(JSON.stringify(found))).toEqual({
      k: 4,
      length: 3,
      ids: Array.from(found.ids),
      distances: Array.from(found.distances),
      counts: [3, 1, 3],
    })
  })

  it('is worth reading in console.log', () => {
    expect(inspect(index.searchSync(queries.slice(0, 2), { k: 2 }))).toBe(
      'Neighbors(2 queries, k = 2) [\n' +
        '  { ids: [ 0, 1 ], distances: [ 0, 5 ] },\n' +
        '  { ids: [ 3 ], distances: [ 0 ] }\n' +
        ']',
    )
    expect(inspect(index.searchSync([], { k: 2 }))).toBe('Neighbors(0 queries, k = 2) []')
    expect(inspect(index.searchSync(queries.slice(0, 1), { k: 1 }))).toContain('Neighbors(1 query, k = 1)')
    const many = knnSync(points, Array.from({ length: 50 }, () => [1, 1]), { k: 1 })
    expect(inspect(many)).toContain('... 47 more')
  })

  it('is the same kind from every call, and of its own memory', async () => {
    const others = [await index.search(queries, { k: 4 }), knnSync(points, queries, { k: 4 }), index.searchSync(queries, { k: 4 })]
    for (const other of others) expect(Object.getPrototypeOf(other)).toBe(Object.getPrototypeOf(found))
    const [, , again] = others
    again!.ids.fill(99)
    again!.distances.fill(99)
    expect(index.searchSync(queries, { k: 4 })).toEqual(found)
  })

  it('keeps what it holds while further calls are made, small or large', () => {
    const kept = index.searchSync(queries, { k: 4 })
    const copy = kept.toJSON()
    for (const k of [1, 3, 1000]) index.searchSync([[30, 40]], { k })
    index.fitSync(points)
    expect(kept.toJSON()).toEqual(copy)
  })

  it.each([1, 600, 700, 2000, 5000])('is right for one query of k = %i and for many', (k) => {
    const one = index.searchSync([[0, 0]], { k })
    expect(one.at(0).ids).toEqual(Uint32Array.of(0, 1, 2).slice(0, k))
    expect([one.k, one.ids.length, one.distances.length]).toEqual([k, k, k])
    const many = index.searchSync(Array.from({ length: 30 }, () => [0, 0]), { k })
    for (const row of many) expect(row).toEqual(one.at(0))
  })
})

describe('QueryResult', () => {
  const [result, alone] = index.predictSync(queries, { topK: 2 })

  it('holds what floky returns', () => {
    expect(result!.index).toEqual(Uint32Array.of(0, 1))
    expect(result!.distances).toEqual(Float32Array.of(0, 5))
    expect(result!.nCollisions).toBe(3)
    expect(result!.vectors).toEqual([Float32Array.of(0, 0), Float32Array.of(3, 4)])
    expect([alone!.index, alone!.nCollisions, alone!.vectors]).toEqual([Uint32Array.of(3), 1, [Float32Array.of(30, 40)]])
  })

  it('becomes plain JSON', () => {
    expect(JSON.parse(JSON.stringify(result))).toEqual({ index: [0, 1], distances: [0, 5], nCollisions: 3, vectors: [[0, 0], [3, 4]] })
    const [bare] = index.predictSync(queries, { topK: 2, onlyIndex: true })
    expect(JSON.parse(JSON.stringify(bare))).toEqual({ index: [0, 1], distances: [0, 5], nCollisions: 3 })
  })

  it('is worth reading in console.log', () => {
    const [bare] = index.predictSync(queries, { topK: 2, onlyIndex: true })
    expect(inspect(bare)).toBe(
      'QueryResult {\n  index: Uint32Array(2) [ 0, 1 ],\n  distances: Float32Array(2) [ 0, 5 ],\n  nCollisions: 3\n}',
    )
    expect(inspect(result)).toContain('vectors: [ Float32Array(2) [ 0, 0 ], Float32Array(2) [ 3, 4 ] ]')
  })

  it('has the points as they were when it was made', async () => {
    const changing = new L2({ nProjections: 1, nHashTables: 1, r: 20, seed: 2 }).fitSync(points)
    const [before] = await changing.predict([0, 0], { topK: 1 })
    changing.updateVec(0, [1, 1])
    changing.dispose()
    expect(before!.vectors).toEqual([Float32Array.of(0, 0)])
  })
})
