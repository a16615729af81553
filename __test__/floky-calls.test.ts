// The calls that floky's users know, under their camelCase names.

import { inspect } from 'node:util'
import { knnSync, L2, NearhashError, SRP, type LshIndex } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { refusal, rejection } from './support/errors.js'
import { normal, rowsOf } from './support/random.js'

const points = rowsOf(300, 6, normal(21))
const queries = rowsOf(20, 6, normal(22))

describe('constructors', () => {
  it('take hashes and tables by position, as floky does, or all by name', () => {
    for (const index of [new SRP(5, 7, { seed: 3 }), new SRP({ nProjections: 5, nHashTables: 7, seed: 3 })]) {
      expect(index.describe()).toEqual({
        family: 'srp',
        size: 0,
        nProjections: 5,
        nHashTables: 7,
        seed: 3,
        probing: { kind: 'base' },
        memoryBytes: 0,
        tables: [],
      })
    }
    const options = { r: 2.5, dim: 6, seed: 3 }
    for (const index of [new L2(5, 7, options), new L2({ nProjections: 5, nHashTables: 7, ...options })]) {
      expect(index.describe()).toMatchObject({ family: 'l2', nProjections: 5, nHashTables: 7, dim: 6, r: 2.5, seed: 3 })
      expect(index.r).toBe(2.5)
    }
  })

  it('leave what is not said to fit', () => {
    for (const index of [new SRP(), new L2(), new SRP({}), new SRP(5), new L2({ nHashTables: 9 })]) {
      const given = index.nProjections ?? index.nHashTables
      expect(given === undefined || given === 5 || given === 9).toBe(true)
      expect(index.dim).toBeUndefined()
      index.fitSync(points)
      expect(index.dim).toBe(6)
      expect(index.nProjections).toBeGreaterThanOrEqual(1)
      expect(index.nHashTables).toBeGreaterThanOrEqual(1)
      if (given === 5) expect(index.nProjections).toBe(5)
      if (given === 9) expect(index.nHashTables).toBe(9)
      if (index instanceof L2) expect(index.r).toBeGreaterThan(0)
    }
  })

  it('say which metric they hash for', () => {
    expect(new SRP().metric).toBe('cosine')
    expect(new L2().metric).toBe('euclidean')
  })
})

describe.each([
  ['SRP', () => new SRP(4, 5)],
  ['L2', () => new L2(4, 5, { r: 3 })],
] as [string, () => LshIndex][])('%s', (_name, make) => {
  const fitted = () => make().fitSync(points)

  describe('predict', () => {
    it('gives five neighbours with their vectors by default', async () => {
      const results = await fitted().predict(queries)
      expect(results).toHaveLength(20)
      expect(results.filter(({ nCollisions }) => nCollisions > 5).length).toBeGreaterThan(10)
      for (const { index, distances, nCollisions, vectors } of results) {
        const found = Math.min(5, nCollisions)
        expect([index.length, distances.length, vectors!.length]).toEqual([found, found, found])
        for (const [i, id] of index.entries()) expect(vectors![i]).toEqual(Float32Array.from(points[id]!))
      }
    })

    it('gives topK of them, or as many as collided', () => {
      const index = fitted()
      expect(index.predictSync(queries, { topK: 3 }).map((result) => result.index.length)).toEqual(Array(20).fill(3))
      for (const { index: ids, nCollisions } of index.predictSync(queries, { topK: 300 })) {
        expect(ids).toHaveLength(nCollisions)
        expect(nCollisions).toBeLessThan(300)
      }
    })

    it('leaves the vectors out with onlyIndex', () => {
      const [withVectors, without] = [false, true].map((onlyIndex) => fitted().predictSync(queries[0]!, { onlyIndex })[0]!)
      expect(withVectors!.vectors).toHaveLength(5)
      expect(without!.vectors).toBeUndefined()
      expect(without!.index).toEqual(withVectors!.index)
      expect(without!.toJSON()).not.toHaveProperty('vectors')
    })

    it('looks at no more than bound candidates, and at the same first ones for a larger bound', () => {
      const index = fitted()
      const all = index.predictSync(queries, { topK: 300 })
      let before = all.map(() => new Set<number>())
      for (const bound of [1, 2, 10, 11, 50, 1000]) {
        const bounded = index.predictSync(queries, { topK: 300, bound })
        for (const [i, { index: ids, nCollisions }] of bounded.entries()) {
          expect(nCollisions).toBe(Math.min(bound, all[i]!.nCollisions))
          expect(ids).toHaveLength(nCollisions)
          expect([...before[i]!].every((id) => ids.includes(id))).toBe(true)
        }
        before = bounded.map(({ index: ids }) => new Set(ids))
      }
      expect(before).toEqual(all.map(({ index: ids }) => new Set(ids)))
    })

    it('ranks by distance, and equal distances by id', () => {
      const index = make().fitSync([...points, ...points])
      for (const { index: ids, distances } of index.predictSync(queries, { topK: 20 })) {
        for (let i = 1; i < ids.length; i++) {
          expect(distances[i]!).toBeGreaterThanOrEqual(distances[i - 1]!)
          if (distances[i] === distances[i - 1]) expect(ids[i]!).toBeGreaterThan(ids[i - 1]!)
        }
      }
    })

    it('gives an empty result when nothing collided', () => {
      const far = make().fitSync([points[0]!])
      const empty = queries.flatMap((query) => far.predictSync(query.map((x) => x * -100))).find((r) => r.nCollisions === 0)
      expect(empty!.toJSON()).toEqual({ index: [], distances: [], nCollisions: 0, vectors: [] })
    })

    it('of no queries is no results', async () => {
      expect(fitted().predictSync([])).toEqual([])
      expect(await fitted().predict({ data: [], shape: [0, 6] })).toEqual([])
      const none = fitted().searchSync([], { k: 3 })
      expect([none.length, none.ids.length, [...none]]).toEqual([0, 0, []])
    })
  })

  describe('multiProbe and base', () => {
    it('multiProbe before fit is kept', () => {
      const before = make().multiProbe(6).fitSync(points)
      expect(before.describe().probing).toEqual({ kind: 'multi-probe', budget: 6 })
      const after = fitted().multiProbe(6)
      for (const query of queries) expect(before.queryBucketIdx(query)).toEqual(after.queryBucketIdx(query))
      expect(before.fitSync(points.slice(0, 50)).describe().probing).toEqual({ kind: 'multi-probe', budget: 6 })
      expect(before.reset().describe().probing).toEqual({ kind: 'multi-probe', budget: 6 })
    })

    it('a larger budget finds all that a smaller one does, and more', () => {
      const index = fitted()
      let found = queries.map((query) => new Set(index.base().queryBucketIdx(query)))
      for (const budget of [1, 2, 3, 5, 8, 40]) {
        const more = queries.map((query) => new Set(index.multiProbe(budget).queryBucketIdx(query)))
        for (const [i, set] of found.entries()) expect([...set].every((id) => more[i]!.has(id))).toBe(true)
        expect(total(more)).toBeGreaterThan(total(found))
        found = more
      }
    })

    it('budget 0 equals base, and base undoes multiProbe', () => {
      const index = fitted()
      const home = index.searchSync(queries, { k: 50 })
      expect(index.multiProbe(9).searchSync(queries, { k: 50 })).not.toEqual(home)
      expect(index.multiProbe(0).searchSync(queries, { k: 50 })).toEqual(home)
      expect(index.describe().probing).toEqual({ kind: 'base' })
      expect(index.multiProbe(9).base().searchSync(queries, { k: 50 })).toEqual(home)
    })

    it('return the index, for chains', () => {
      const index = make()
      expect(index.multiProbe(3)).toBe(index)
      expect(index.base()).toBe(index)
      expect(index.fitSync(points)).toBe(index)
      expect(index.reset()).toBe(index)
    })
  })

  it('fit resolves to the index', async () => {
    const index = make()
    expect(await index.fit(points)).toBe(index)
  })

  it('queryBucket gives the vectors of queryBucketIdx', () => {
    const index = fitted().multiProbe(1)
    for (const query of queries) {
      const ids = index.queryBucketIdx(query)
      expect(ids).toBeInstanceOf(Uint32Array)
      expect(index.queryBucket(query)).toEqual(Array.from(ids, (id) => Float32Array.from(points[id]!)))
    }
  })

  describe('points that come and go', () => {
    it('storeVec and storeVecs number them on', async () => {
      const index = fitted()
      expect(index.storeVec(queries[0]!)).toBe(300)
      expect(await index.storeVecs(queries.slice(1, 4))).toEqual(Uint32Array.of(301, 302, 303))
      expect(index.storeVecsSync({ data: queries[4]!, shape: [1, 6] })).toEqual(Uint32Array.of(304))
      expect(await index.storeVecs([])).toEqual(new Uint32Array(0))
      expect(index.size).toBe(305)
      for (let i = 0; i < 5; i++) {
        expect(index.searchSync([queries[i]!], { k: 1 }).at(0).ids[0]).toBe(300 + i)
        expect(index.getVec(300 + i)).toEqual(Float32Array.from(queries[i]!))
      }
    })

    it('an index stored piece by piece answers as one that was fitted', async () => {
      const whole = fitted().multiProbe(1)
      const pieces = make().multiProbe(1).fitSync(points.slice(0, 100))
      await pieces.storeVecs(points.slice(100, 250))
      for (const point of points.slice(250)) pieces.storeVec(point)
      expect(pieces.searchSync(queries)).toEqual(whole.searchSync(queries))
      expect(pieces.buckets(4)).toEqual(whole.buckets(4))
    })

    it('an empty index whose options leave nothing open can be stored into', () => {
      const empty = make() instanceof SRP ? new SRP(4, 5, { dim: 6 }) : new L2(4, 5, { dim: 6, r: 3 })
      expect(empty.searchSync(queries, { k: 2 }).counts).toEqual(new Uint32Array(20))
      expect(empty.storeVecsSync(points)).toEqual(Uint32Array.from(points.keys()))
      expect(empty.searchSync(queries)).toEqual(fitted().searchSync(queries))
    })

    it('an empty index whose options leave something open says what is missing', async () => {
      const open = make()
      for (const error of [
        refusal(() => open.storeVec(points[0]!)),
        await rejection(() => open.storeVecs(points)),
        refusal(() => open.searchSync(queries)),
        await rejection(() => open.predict(queries)),
        refusal(() => open.queryBucketIdx(queries[0]!)),
        refusal(() => open.hash(queries)),
        refusal(() => open.buckets(0)),
        await rejection(() => open.evaluate(queries)),
      ]) {
        expect(error.code).toBe('ERR_NEARHASH_NOT_FITTED')
        expect(error.allowed).toContain('dim, nProjections, nHashTables')
      }
      expect(open.size).toBe(0)
    })

    it('deleteVec takes an id, or a vector and all points equal to it', () => {
      const index = make().fitSync([...points, points[7]!, points[7]!])
      expect(index.deleteVec(3)).toBe(1)
      expect(index.deleteVec(3)).toBe(0)
      expect(index.deleteVec(100_000)).toBe(0)
      expect(index.deleteVec(points[7]!)).toBe(3)
      expect(index.deleteVec(Float32Array.from(points[7]!))).toBe(0)
      expect(index.size).toBe(298)
      for (const id of [3, 7, 300, 301]) {
        expect(index.getVec(id)).toBeUndefined()
        expect(index.predictSync(points[id % 293]!, { topK: 302 })[0]!.index).not.toContain(id)
      }
    })

    it('ids are never used again after a delete', () => {
      const index = fitted()
      for (let id = 290; id < 300; id++) index.deleteVec(id)
      expect(index.storeVec(points[299]!)).toBe(300)
      index.deleteVec(300)
      expect(index.storeVecsSync(points.slice(290))).toEqual(Uint32Array.from({ length: 10 }, (_, i) => 301 + i))
      expect(index.getVec(299)).toBeUndefined()
      expect(index.getVec(300)).toBeUndefined()
      expect(index.size).toBe(300)
    })

    it('updateVec moves a point and keeps its id', () => {
      const index = fitted()
      index.updateVec(5, queries[0]!)
      expect(index.getVec(5)).toEqual(Float32Array.from(queries[0]!))
      expect(index.size).toBe(300)
      expect(index.searchSync([queries[0]!], { k: 1 }).at(0)).toEqual({ ids: Uint32Array.of(5), distances: Float32Array.of(0) })
      const fresh = make().fitSync(points.map((point, id) => (id === 5 ? queries[0]! : point)))
      expect(index.searchSync(queries)).toEqual(fresh.searchSync(queries))
    })

    it('updateVec of an id that is not there is refused', () => {
      const index = fitted()
      index.deleteVec(9)
      for (const id of [9, 300, 2 ** 32 - 1]) {
        const error = refusal(() => index.updateVec(id, queries[0]!))
        expect(error).toMatchObject({ code: 'ERR_NEARHASH_UNKNOWN_ID', argument: 'id', received: String(id) })
      }
      expect(refusal(() => make().updateVec(0, queries[0]!)).code).toBe('ERR_NEARHASH_UNKNOWN_ID')
    })

    it('getVec gives a copy', () => {
      const index = fitted()
      index.getVec(0)!.fill(0)
      expect(index.getVec(0)).toEqual(Float32Array.from(points[0]!))
      expect(index.getVec(300)).toBeUndefined()
      expect(make().getVec(0)).toBeUndefined()
    })

    it('fit replaces all points and begins ids anew, also with another vector length', async () => {
      const index = fitted()
      index.storeVec(queries[0]!)
      index.deleteVec(0)
      await index.fit(points.slice(0, 10))
      expect(index.size).toBe(10)
      expect(index.searchSync(queries)).toEqual(make().fitSync(points.slice(0, 10)).searchSync(queries))
      expect(index.storeVec(queries[0]!)).toBe(10)
      const longer = rowsOf(5, 9, normal(23))
      expect((await index.fit(longer)).dim).toBe(9)
      expect(index.getVec(0)).toEqual(Float32Array.from(longer[0]!))
    })

    it('reset forgets the points and keeps the options', () => {
      const index = fitted().multiProbe(2)
      expect(index.reset().size).toBe(0)
      expect(index.getVec(0)).toBeUndefined()
      expect(index.describe()).toMatchObject({ nProjections: 4, nHashTables: 5, memoryBytes: 0, tables: [] })
      expect(index.fitSync(points).searchSync(queries)).toEqual(fitted().multiProbe(2).searchSync(queries))
    })

    it('thousands of stores and deletes end where a fit of what is left begins', () => {
      const many = rowsOf(6000, 6, normal(24))
      const index = fitted()
      for (const [i, point] of many.entries()) {
        const id = index.storeVec(point)
        expect(id).toBe(300 + i)
        if (i % 3 === 0) index.deleteVec(id)
      }
      const left = [...points, ...many.filter((_, i) => i % 3 !== 0)]
      const fresh = make().fitSync(left)
      expect(index.size).toBe(left.length)
      const [found, wanted] = [index.searchSync(queries), fresh.searchSync(queries)]
      expect(found.distances).toEqual(wanted.distances)
      expect(found.counts).toEqual(wanted.counts)
      const place = (id: number) => (id < 300 ? id : 300 + (id - 300) - Math.floor((id - 300 + 2) / 3))
      expect(found.ids.map(place)).toEqual(wanted.ids)
    })
  })

  describe('describe', () => {
    it('tells what the tables look like', () => {
      const index = fitted().multiProbe(3)
      const { tables, memoryBytes, ...rest } = index.describe()
      const family = index instanceof SRP ? { family: 'srp' } : { family: 'l2', r: 3 }
      expect(rest).toEqual({
        ...family,
        size: 300,
        dim: 6,
        nProjections: 4,
        nHashTables: 5,
        seed: 0,
        probing: { kind: 'multi-probe', budget: 3 },
      })
      expect(memoryBytes).toBeGreaterThan(300 * 6 * 4)
      expect(tables).toHaveLength(5)
      for (const [t, table] of tables.entries()) {
        const sizes = Array.from(index.buckets(t).values(), (ids) => ids.length)
        expect(table.buckets).toBe(sizes.length)
        expect(table.maxBucketSize).toBe(Math.max(...sizes))
        expect(table.meanBucketSize).toBeCloseTo(300 / sizes.length, 10)
        expect(table.emptyShare).toBeCloseTo(1 - sizes.length / (index instanceof SRP ? 16 : 300), 10)
      }
    })

    it('is plain JSON, and what JSON.stringify writes', () => {
      const index = fitted()
      expect(JSON.parse(JSON.stringify(index))).toEqual(index.describe())
    })

    it('is short in console.log', () => {
      const r = make() instanceof L2 ? ', r: 3' : ''
      const name = make().constructor.name
      expect(inspect(make())).toBe(`${name} { size: 0, nProjections: 4, nHashTables: 5${r}, budget: 0 }`)
      expect(inspect(fitted())).toMatch(/^(SRP|L2) \{ size: 300, dim: 6, nProjections: 4, nHashTables: 5.* \}$/)
      const disposed = fitted()
      disposed.dispose()
      expect(inspect(disposed)).toBe(`${name} { disposed: true }`)
    })
  })

  describe('evaluate', () => {
    it('finds recall 1 where every point is a candidate, in an interval that holds it', async () => {
      const everything = fitted().multiProbe(1_000_000)
      for (const { recall, low, high, p5, microsPerQuery, exactMicrosPerQuery } of [
        await everything.evaluate(queries),
        everything.evaluateSync(queries, { k: 3 }),
      ]) {
        expect([recall, p5, high]).toEqual([1, 1, 1])
        expect(low).toBeGreaterThan(0.8)
        expect(low).toBeLessThan(1)
        expect(microsPerQuery).toBeGreaterThan(0)
        expect(exactMicrosPerQuery).toBeGreaterThan(0)
      }
    })

    it('agrees with a count by hand', async () => {
      const index = fitted()
      const k = 10
      const truth = knnSync(points, queries, { k, metric: index.metric })
      const shares = [...index.searchSync(queries, { k })].map(({ ids }, i) => {
        const wanted = new Set(truth.at(i).ids)
        return ids.filter((id) => wanted.has(id)).length / k
      })
      const mean = shares.reduce((a, b) => a + b) / shares.length
      const { recall, low, high, p5 } = await index.evaluate(queries, { k })
      expect(recall).toBeCloseTo(mean, 10)
      expect(mean).toBeLessThan(1)
      expect(low).toBeLessThan(mean)
      expect(high).toBeGreaterThan(mean)
      expect(p5).toBe(Math.min(...shares))
    })

    it('needs points and queries', async () => {
      expect((await rejection(() => fitted().evaluate([]))).code).toBe('ERR_NEARHASH_ARGUMENT')
      const index = fitted()
      for (const id of points.keys()) index.deleteVec(id)
      expect(refusal(() => index.evaluateSync(queries)).code).toBe('ERR_NEARHASH_NOT_FITTED')
    })
  })

  it('finds nothing, and fails in nothing, when all points are deleted', () => {
    const index = make().fitSync(points.slice(0, 3)).multiProbe(2)
    for (const id of [0, 1, 2]) index.deleteVec(id)
    expect(index.size).toBe(0)
    expect(index.searchSync(queries).counts).toEqual(new Uint32Array(20))
    expect(index.buckets(0)).toEqual(new Map())
    expect(index.storeVec(queries[0]!)).toBe(3)
    expect(index.searchSync([queries[0]!], { k: 1 }).at(0).ids).toEqual(Uint32Array.of(3))
  })
})

it('NearhashError is an Error with its parts apart', () => {
  const error = refusal(() => new SRP({ nProjections: 65 }))
  expect(error).toBeInstanceOf(Error)
  expect(error).toBeInstanceOf(NearhashError)
  expect({ ...error, message: error.message }).toEqual({
    name: 'NearhashError',
    code: 'ERR_NEARHASH_ARGUMENT',
    argument: 'nProjections',
    received: '65',
    allowed: 'an integer from 1 to 64',
    message: 'nProjections: received 65, allowed: an integer from 1 to 64',
  })
  expect(error.stack).toContain('floky-calls.test.ts')
})

function total(sets: Set<number>[]): number {
  return sets.reduce((sum, set) => sum + set.size, 0)
}
