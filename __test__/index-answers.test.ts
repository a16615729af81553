// What Index answers, beside exact search on the same points.

import fc from 'fast-check'
import { Index, knnSync, type IndexOptions, type Metric, type Neighbors, type NumericArray } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { filtersOf } from './support/filters.js'
import { integers, matrixOf, normal, rowsOf, uniform } from './support/random.js'

const METRICS: Metric[] = ['euclidean', 'cosine']

/** Clusters of points, as real data has them; enough that not all are ranked. */
function clustered(rows: number, dim: number, seed: number): { data: Float32Array; shape: [number, number] } {
  const [draw, pick] = [normal(seed), integers(seed + 1, 40)]
  const centres = rowsOf(40, dim, () => 4 * draw())
  const points = matrixOf(rows, dim, draw)
  for (let row = 0; row < rows; row++) {
    const centre = centres[pick()]!
    for (let column = 0; column < dim; column++) points.data[row * dim + column]! += centre[column]!
  }
  return points
}

/** As knnSync, of the points that a filter admits. */
function exact(points: readonly NumericArray[], ids: readonly number[], queries: readonly NumericArray[], k: number, metric: Metric) {
  if (ids.length === 0) return queries.map(() => ({ ids: [] as number[], distances: [] as number[] }))
  const found = knnSync(ids.map((id) => points[id]!), queries, { k, metric })
  return Array.from(found, (row) => ({ ids: Array.from(row.ids, (place) => ids[place]!), distances: Array.from(row.distances) }))
}

function plain(found: Neighbors) {
  return Array.from(found, ({ ids, distances }) => ({ ids: Array.from(ids), distances: Array.from(distances) }))
}

describe.each(METRICS)('%s', (metric) => {
  const dim = 24
  const points = clustered(20_000, dim, 301)
  const queries = clustered(200, dim, 301).data.map((value) => value + 0.1)
  const asked = { data: queries, shape: [200, dim] as const }
  const index = new Index({ metric }).fitSync(points)
  const truth = knnSync(points, asked, { k: 100, metric })

  it.each([1, 10, 100])('recall 1 is exact, k = %i', (k) => {
    const found = index.searchSync(asked, { k, recall: 1 })
    expect(plain(found)).toEqual(plain(knnSync(points, asked, { k, metric })))
  })

  it.each([1, 10, 100])('k = %i: every distance is that of exact search, in order, no id twice, no list short', (k) => {
    for (const recall of [0.5, 0.8, 0.95, 0.99]) {
      const found = index.searchSync(asked, { k, recall })
      expect(Array.from(found.counts)).toEqual(Array(200).fill(k))
      for (const [i, { ids, distances }] of [...found].entries()) {
        expect(new Set(ids).size).toBe(k)
        const rows = Array.from(ids, (id) => points.data.subarray(id * dim, (id + 1) * dim))
        const own = knnSync(rows, [queries.subarray(i * dim, (i + 1) * dim)], { k, metric })
        expect(distances).toEqual(own.distances)
      }
    }
  })

  it('more recall finds more, and about what was asked', () => {
    const recalls = [0.6, 0.8, 0.9, 0.95, 0.99].map((recall) => {
      const found = index.searchSync(asked, { k: 10, recall })
      const hits = Array.from(found, ({ distances }, i) => distances.filter((distance) => distance <= truth.at(i).distances[9]!).length)
      return { recall, measured: hits.reduce((sum, count) => sum + count, 0) / 2000 }
    })
    for (const { recall, measured } of recalls) expect(measured).toBeGreaterThan(recall - 0.05)
    for (let i = 1; i < recalls.length; i++) expect(recalls[i]!.measured).toBeGreaterThanOrEqual(recalls[i - 1]!.measured - 0.01)
  })

  it('more probes find more, all of them nearly everything', () => {
    let last = 0
    for (const probes of [1, 4, 16, 64, 2 ** 32 - 2]) {
      const found = index.searchSync(asked, { probes })
      const hits = Array.from(found, ({ distances }, i) => distances.filter((distance) => distance <= truth.at(i).distances[9]!).length)
      const recall = hits.reduce((sum, count) => sum + count, 0) / 2000
      expect(recall).toBeGreaterThanOrEqual(last)
      last = recall
    }
    // All buckets, but survivors only within the margin for the recall of the index.
    expect(last).toBeGreaterThan(0.97)
  })

  it('a batch, its rows one by one and promises give the same answers', async () => {
    const batch = index.searchSync(asked)
    expect(await index.search(asked)).toEqual(batch)
    for (let i = 0; i < 200; i++) {
      const query = queries.slice(i * dim, (i + 1) * dim)
      const { ids, distances } = batch.at(i)
      for (const x of [query, [query], Array.from(query), { data: query, shape: [1, dim] as const }]) {
        expect(index.searchSync(x).at(0)).toEqual({ ids, distances })
      }
    }
  })

  it('the same seed, options and points give the same index', async () => {
    const batch = index.searchSync(asked, { recall: 0.8 })
    expect((await new Index({ metric }).fit(points)).searchSync(asked, { recall: 0.8 })).toEqual(batch)
    expect(new Index({ metric, seed: 0, recall: 0.8 }).fitSync(points).searchSync(asked)).toEqual(batch)
  })

  it('settle: 0 and other rounds answer too', () => {
    for (const settle of [0, 1, 3]) {
      const found = new Index({ metric, settle }).fitSync(points).searchSync(asked, { recall: 1 })
      expect(plain(found)).toEqual(plain(knnSync(points, asked, { metric })))
    }
  })

  it.each<[string, (id: number) => boolean]>([
    ['half of the points', (id) => id % 2 === 0],
    ['one in a hundred', (id) => id % 100 === 7],
    ['three', (id) => [5, 500, 19_999].includes(id)],
    ['all', () => true],
    ['none', () => false],
  ])('a filter that admits %s', (_name, admits) => {
    const { allowed, filters } = filtersOf(20_000, admits)
    const rows = Array.from({ length: 20_000 }, (_, id) => points.data.subarray(id * dim, (id + 1) * dim))
    const some = Array.from({ length: 20 }, (_, i) => queries.subarray(i * dim, (i + 1) * dim))
    const expected = exact(rows, allowed, some, 10, metric)
    for (const filter of filters) expect(plain(index.searchSync(some, { recall: 1, filter }))).toEqual(expected)
    const found = index.searchSync(some, { filter: filters[0] })
    for (const [i, row] of plain(found).entries()) {
      expect(row.ids.every(admits)).toBe(true)
      expect(row.ids.length).toBe(Math.min(10, allowed.length))
      expect(plain(index.searchSync(some[i]!, { filter: filters[4] }))).toEqual([row])
    }
  })
})

it.each(METRICS)('any points, any size: recall 1 is what knn says, %s', (metric) => {
  // Few different numbers: ties and duplicates. Cosine needs a direction.
  const number = metric === 'cosine' ? fc.integer({ min: 1, max: 3 }) : fc.integer({ min: -2, max: 2 })
  const sizes = fc.record({ rows: fc.integer({ min: 1, max: 60 }), dim: fc.integer({ min: 1, max: 9 }), k: fc.integer({ min: 1, max: 70 }) })
  const matrices = sizes.chain(({ rows, dim, k }) =>
    fc.record({
      k: fc.constant(k),
      points: fc.array(fc.array(number, { minLength: dim, maxLength: dim }), { minLength: rows, maxLength: rows }),
      queries: fc.array(fc.array(number, { minLength: dim, maxLength: dim }), { minLength: 1, maxLength: 20 }),
    }),
  )
  fc.assert(
    fc.property(matrices, ({ k, points, queries }) => {
      const index = new Index({ metric, recall: 1 }).fitSync(points)
      expect(plain(index.searchSync(queries, { k }))).toEqual(plain(knnSync(points, queries, { k, metric })))
      for (const query of queries) expect(plain(index.searchSync(Float32Array.from(query), { k }))).toEqual(plain(knnSync(points, [query], { k, metric })))
    }),
    { numRuns: 100 },
  )
})

describe('types of numbers', () => {
  const points = rowsOf(3000, 12, integers(311, 100))
  const queries = rowsOf(30, 12, integers(312, 100))
  const expected = new Index().fitSync(points).searchSync(queries, { recall: 0.9 })

  it.each([Float32Array, Float64Array, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array])('%o', (Values) => {
    const index = new Index().fitSync(points.map((row) => Values.from(row)))
    expect(index.searchSync(queries, { recall: 0.9 })).toEqual(expected)
    for (const [i, query] of queries.entries()) {
      expect(index.searchSync(Values.from(query), { recall: 0.9 }).at(0)).toEqual(expected.at(i))
      expect(index.searchSync(Float32Array.from(query), { recall: 0.9 }).at(0)).toEqual(expected.at(i))
    }
    expect(index.getVec(5)).toEqual(Float32Array.from(points[5]!))
  })

  it.each<[string, (value: number, column: number) => number]>([
    ['fractional', (value) => value + 0.5],
    ['negative', (value) => -value],
    ['above a byte', (value) => 10 * value],
    ['above 16 bits', (value) => 1000 * value],
    ['huge', (value) => 1e15 * value],
  ])('queries that are %s find the same in bytes as in floats', (_name, change) => {
    const strange = queries.map((row) => row.map(change))
    const bytes = new Index().fitSync(points.map((row) => Uint8Array.from(row)))
    expect(plain(bytes.searchSync(strange, { recall: 1 }))).toEqual(plain(knnSync(points, strange)))
    expect(bytes.searchSync(strange, { recall: 1 })).toEqual(new Index().fitSync(points).searchSync(strange, { recall: 1 }))
  })
})

describe('unusual points', () => {
  const draw = uniform(321)
  const shapes: [string, number[][], IndexOptions?][] = [
    ['one point', [[1, 2, 3]]],
    ['one dimension', rowsOf(3000, 1, normal(322))],
    ['all the same', Array(3000).fill([1, 2, 3])],
    ['each a thousand times', rowsOf(5, 3, normal(323)).flatMap((row) => Array<number[]>(1000).fill(row))],
    ['on a line', Array.from({ length: 3000 }, (_, i) => [i, 2 * i, 3 * i])],
    ['of which one is far out', [...rowsOf(3000, 4, normal(324)), [1e6, 1e6, 1e6, 1e6]]],
    ['with heavy tails', rowsOf(3000, 6, () => Math.tan(Math.PI * (draw() - 0.5)))],
    ['very large', rowsOf(3000, 4, () => 1e18 * (draw() - 0.5))],
    ['very small', rowsOf(3000, 4, () => 1e-18 * (draw() - 0.5))],
    ['mostly zeros', rowsOf(3000, 10, () => (draw() < 0.9 ? 0 : draw()))],
    ['fewer than dimensions', rowsOf(40, 300, normal(325))],
  ]
  it.each(shapes)('%s: recall 1 is exact, and every list is full', (_name, points) => {
    const rows = points.map((row) => Float32Array.from(row))
    const queries = [...rows.slice(0, 20), ...rows.slice(0, 20).map((row) => row.map((value) => value * 1.01))]
    const index = new Index().fitSync(rows)
    expect(plain(index.searchSync(queries, { recall: 1 }))).toEqual(plain(knnSync(rows, queries)))
    const found = index.searchSync(queries)
    expect(Array.from(found.counts)).toEqual(Array(queries.length).fill(Math.min(10, rows.length)))
  })
})
