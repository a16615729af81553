// Everything that answers is compared with plain loops in float64 and one Map per table.

import { cdist, cdistSync, knn, knnSync, L2, SRP, type LshIndex, type Metric, type Neighbors } from 'nearhash'
import { describe, expect, it } from 'vitest'
import * as naive from './support/naive.js'
import { integers, normal, rowsOf, uniform } from './support/random.js'

interface Case {
  points: number[][]
  queries: number[][]
  /** Distances are exact in float32, so that ties are ties in both and ids must be equal. */
  exact: boolean
  /** Left out: both. Rows without a direction have no cosine distance. */
  metrics?: Metric[]
}

function cases(): [name: string, Case][] {
  const few = rowsOf(120, 4, integers(1, 4)).map((row) => (row.some((x) => x > 0) ? row : [1, 0, 0, 0]))
  const odd = rowsOf(100, 17, normal(2))
  const wide = rowsOf(60, 300, normal(3))
  const line = rowsOf(100, 1, integers(4, 40)).map(([x]) => [x! + 1])
  const [lone, five] = [rowsOf(1, 3, normal(5)), rowsOf(5, 3, normal(6))]
  const random = uniform(7)
  const mixedScale = rowsOf(80, 6, () => Math.fround((random() - 0.5) * 10 ** Math.round(random() * 6 - 3)))
  const scaled = (factor: number) => odd.map((row) => row.map((x) => Math.fround(x * factor)))
  return [
    ['few integers: ties and duplicates', { points: few, queries: few.slice(0, 9), exact: true }],
    [
      'zero vectors among others',
      {
        points: [[0, 0, 0, 0], ...few.slice(0, 50), [0, 0, 0, 0]],
        queries: [[0, 0, 0, 0], [1, 2, 3, 0]],
        exact: true,
        metrics: ['euclidean'],
      },
    ],
    ['all points equal', { points: Array.from({ length: 40 }, () => [3, 1, 2]), queries: [[3, 1, 2], [0, 0, 1]], exact: true }],
    ['17 dimensions', { points: odd, queries: [...rowsOf(5, 17, normal(8)), odd[3]!], exact: false }],
    ['300 dimensions', { points: wide, queries: rowsOf(5, 300, normal(9)), exact: false }],
    ['one dimension', { points: line, queries: [[0.5], [20], [1000]], exact: true }],
    ['one point', { points: lone, queries: [...lone, ...five], exact: false }],
    ['fewer points than neighbours', { points: five, queries: lone, exact: false }],
    ['coordinates of very different size', { points: mixedScale, queries: mixedScale.slice(0, 5), exact: false }],
    ['coordinates whose squares overflow float32', { points: scaled(1e25), queries: scaled(1e25).slice(0, 3), exact: false }],
    ['coordinates whose squares underflow float32', { points: scaled(1e-25), queries: scaled(1e-25).slice(0, 3), exact: false }],
    [
      'denormal coordinates',
      { points: scaled(1e-42), queries: scaled(1e-42).slice(0, 3), exact: false, metrics: ['euclidean'] },
    ],
  ]
}

describe.each(cases())('%s', (_name, { points, queries, exact, metrics = ['euclidean', 'cosine'] }) => {
  const size = Math.max(1e-30, ...points.flat().map(Math.abs))

  describe.each(metrics)('%s', (metric) => {
    const exactIds = exact && metric === 'euclidean'

    it('cdist is the naive one', async () => {
      const expected = naive.cdist(queries, points, metric).flat()
      const { data, shape } = cdistSync(queries, points, { metric })
      expect(shape).toEqual([queries.length, points.length])
      expect(await cdist(queries, points, { metric })).toEqual({ data, shape })
      for (const [i, wanted] of expected.entries()) expectClose(data[i]!, wanted, metric)
    })

    it('cdist of a set with itself has an exactly zero diagonal', () => {
      const { data } = cdistSync(points, points, { metric })
      for (let i = 0; i < points.length; i++) expect(data[i * points.length + i]).toBe(0)
    })

    it.each([1, 5, points.length, points.length + 3])('knn finds the naive %i nearest', async (k) => {
      const found = knnSync(points, queries, { k, metric })
      expectRanked(found, naive.knn(points, queries, k, metric), metric)
      expect(await knn(points, queries, { k, metric })).toEqual(found)
    })

    describe.each(settings(metric, size))('%s', (_name, make, budget) => {
      const fitted = () => make().multiProbe(budget).fitSync(points)

      it('has the naive buckets in every table', () => {
        const index = fitted()
        const tables = new naive.NaiveTables(index, new Map(points.entries()))
        for (let table = 0; table < index.nHashTables!; table++) {
          expect(plain(index.buckets(table))).toEqual(tables.buckets(table))
          expect(index.describe().tables[table]!.buckets).toBe(tables.buckets(table).size)
        }
      })

      it('has the naive candidates', () => {
        const index = fitted()
        const tables = new naive.NaiveTables(index, new Map(points.entries()))
        for (const query of queries) {
          const home = tables.candidates(query)
          const candidates = Array.from(index.queryBucketIdx(query))
          if (budget === 0) expect(candidates).toEqual(home)
          else expectWholeBuckets(candidates, home, tables)
        }
      })

      it('search and predict rank the candidates as the naive scan does', async () => {
        const index = fitted()
        for (const k of [1, 7, points.length + 2]) {
          const expected = queries.map((query) => {
            const candidates = new Map(Array.from(index.queryBucketIdx(query), (id) => [id, points[id]!]))
            return { count: candidates.size, ...naive.nearest(candidates, query, k, metric) }
          })
          const found = index.searchSync(queries, { k })
          expectRanked(found, expected, metric)
          expect(await index.search(queries, { k })).toEqual(found)

          const results = index.predictSync(queries, { topK: k })
          for (const [i, result] of results.entries()) {
            expect(result.index).toEqual(found.at(i).ids)
            expect(result.distances).toEqual(found.at(i).distances)
            expect(result.nCollisions).toBe(expected[i]!.count)
            expect(result.vectors).toEqual(Array.from(result.index, (id) => Float32Array.from(points[id]!)))
          }
          expect((await index.predict(queries, { topK: k })).map((result) => result.toJSON())).toEqual(
            results.map((result) => result.toJSON()),
          )
        }
      })

      it('stays the naive index through stores, updates and deletes', async () => {
        const index = fitted()
        const living = new Map<number, readonly number[]>(points.entries())
        const more = [...points].reverse().slice(0, 30)
        for (const [i, id] of (await index.storeVecs(more)).entries()) living.set(id, more[i]!)
        living.set(index.storeVec(queries[0]!), queries[0]!)
        for (const id of [0, points.length + 1]) {
          expect(index.deleteVec(id)).toBe(1)
          living.delete(id)
        }
        const last = Math.max(...living.keys())
        index.updateVec(last, points[0]!)
        living.set(last, points[0]!)

        expect(index.size).toBe(living.size)
        const tables = new naive.NaiveTables(index, living)
        for (let table = 0; table < index.nHashTables!; table++) {
          expect(plain(index.buckets(table))).toEqual(tables.buckets(table))
        }
        for (const query of queries) {
          const home = tables.candidates(query)
          const candidates = Array.from(index.queryBucketIdx(query))
          if (budget === 0) expect(candidates).toEqual(home)
          else expectWholeBuckets(candidates, home, tables)
          const ranked = naive.nearest(new Map(candidates.map((id) => [id, living.get(id)!])), query, 6, metric)
          expectRanked(index.searchSync([query], { k: 6 }), [ranked], metric)
        }
      })
    })

    function expectRanked(found: Neighbors, expected: naive.Ranked[], metric: Metric): void {
      expect(found.length).toBe(expected.length)
      for (const [i, { ids: wantedIds, distances: wanted }] of expected.entries()) {
        const { ids, distances } = found.at(i)
        expect(ids).toHaveLength(wantedIds.length)
        if (exactIds) expect(Array.from(ids)).toEqual(wantedIds)
        expect(new Set(ids).size).toBe(ids.length)
        for (const [place, id] of ids.entries()) {
          expectClose(distances[place]!, wanted[place]!, metric)
          if (place === 0) continue
          const previous = distances[place - 1]!
          expect(distances[place]!).toBeGreaterThanOrEqual(previous)
          if (distances[place] === previous) expect(id).toBeGreaterThan(ids[place - 1]!)
        }
      }
    }
  })
})

/** Indexes of different coarseness, each with a probing budget. */
function settings(metric: Metric, size: number): [name: string, make: () => LshIndex, budget: number][] {
  const shapes = [
    { nProjections: 1, nHashTables: 1, seed: 3 },
    { nProjections: 4, nHashTables: 6, seed: 0 },
    { nProjections: 64, nHashTables: 3, seed: 1 },
  ]
  return shapes.flatMap((shape) =>
    [0, 7].map((budget): [string, () => LshIndex, number] => [
      `${metric === 'cosine' ? 'SRP' : 'L2'} k = ${shape.nProjections}, L = ${shape.nHashTables}, budget ${budget}`,
      () => (metric === 'cosine' ? new SRP(shape) : new L2({ ...shape, r: size })),
      budget,
    ]),
  )
}

/** Float32 holds seven digits; cosine distance is that exact beside 1. */
function expectClose(received: number, expected: number, metric: Metric): void {
  const tolerance = metric === 'cosine' ? 1e-6 : 1e-5 * Math.abs(expected) + 3e-45
  if (Math.abs(received - expected) <= tolerance) return
  expect.fail(`${metric} distance ${received} where ${expected} was expected`)
}

/** Probed candidates: those of the query's own buckets, and beside them nothing but whole buckets. */
function expectWholeBuckets(candidates: number[], home: number[], tables: naive.NaiveTables): void {
  expect(candidates).toEqual([...candidates].sort((a, b) => a - b))
  const found = new Set(candidates)
  expect(found.size).toBe(candidates.length)
  for (const id of home) expect(found).toContain(id)
  const whole = tables.all().filter((bucket) => bucket.every((id) => found.has(id)))
  expect(new Set(whole.flat()).size).toBe(found.size)
}

function plain(buckets: Map<string, Uint32Array>): Map<string, number[]> {
  return new Map(Array.from(buckets, ([key, ids]) => [key, Array.from(ids)]))
}
