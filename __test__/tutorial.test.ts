// LSH as a beginner's tutorial builds it by hand, each step beside the call that shows it.

import { L2, SRP } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { normal, rowsOf } from './support/random.js'

const vectors = rowsOf(200, 8, normal(11))

describe('random hyperplanes', () => {
  const index = new SRP({ nProjections: 4, nHashTables: 3, dim: 8, seed: 7 })

  it('give every vector a bit each: on which side it lies', () => {
    const { data, shape } = index.hash(vectors)
    expect(shape).toEqual([200, 3, 4])
    expect(data).toHaveLength(200 * 3 * 4)
    expect(new Set(data)).toEqual(new Set([0, 1]))
  })

  it('look at the direction alone: a longer vector has the same bits, the opposite one the others', () => {
    const { data } = index.hash(vectors)
    expect(index.hash(vectors.map((v) => v.map((x) => 4 * x))).data).toEqual(data)
    expect(index.hash(vectors.map((v) => v.map((x) => -x))).data).toEqual(data.map((bit) => 1 - bit))
  })

  it('are the same before and after fit, and for whoever has the same seed', () => {
    const before = index.hash(vectors)
    const fitted = new SRP({ nProjections: 4, nHashTables: 3, seed: 7 }).fitSync(vectors)
    expect(fitted.hash(vectors)).toEqual(before)
    expect(new SRP({ nProjections: 4, nHashTables: 3, dim: 8, seed: 8 }).hash(vectors)).not.toEqual(before)
  })

  it('cut space into buckets: grouping by the tuple of bits gives the hash table', () => {
    index.fitSync(vectors)
    const { data, shape } = index.hash(vectors)
    const [rows, nHashTables, nProjections] = shape
    for (let t = 0; t < nHashTables; t++) {
      const table = new Map<string, number[]>()
      for (let row = 0; row < rows; row++) {
        const start = (row * nHashTables + t) * nProjections
        const key = data.slice(start, start + nProjections).join('')
        expect(key).toMatch(/^[01]{4}$/)
        if (!table.has(key)) table.set(key, [])
        table.get(key)!.push(row)
      }
      const buckets = index.buckets(t)
      expect([...buckets.keys()].sort()).toEqual([...table.keys()].sort())
      for (const [key, ids] of buckets) expect(Array.from(ids)).toEqual(table.get(key))
    }
  })

  it("find a query's neighbours in its own bucket of every table", () => {
    const [query] = rowsOf(1, 8, normal(12))
    const { data } = index.hash([query!])
    const met = [0, 1, 2].flatMap((t) => Array.from(index.buckets(t).get(data.slice(4 * t, 4 * t + 4).join('')) ?? []))
    const distinct = [...new Set(met)].sort((a, b) => a - b)
    expect(distinct.length).toBeGreaterThan(0)
    expect(distinct.length).toBeLessThan(200)
    expect(Array.from(index.queryBucketIdx(query!))).toEqual(distinct)
    expect(index.queryBucket(query!)).toEqual(distinct.map((id) => Float32Array.from(vectors[id]!)))
    expect(index.predictSync(query!)[0]!.nCollisions).toBe(distinct.length)
  })

  it('write a key as 0110, the first hyperplane first', () => {
    const two = new SRP({ nProjections: 4, nHashTables: 1, dim: 2 }).fitSync([[1, 2], [-2, 1], [1, 3]])
    const bits = two.hash([1, 2]).data
    expect([...two.buckets(0).keys()]).toContain(bits.join(''))
  })
})

describe('projections cut into intervals', () => {
  const options = { nProjections: 3, nHashTables: 2, dim: 8, r: 2, seed: 7 }
  const index = new L2(options).fitSync(vectors)

  it('write a key as 3,-1,0: the number of the interval on each line', () => {
    const { data, shape } = index.hash(vectors)
    expect(shape).toEqual([200, 2, 3])
    expect(Math.min(...data)).toBeLessThan(0)
    for (let t = 0; t < 2; t++) {
      const table = new Map<string, number[]>()
      for (const row of vectors.keys()) {
        const key = data.slice((row * 2 + t) * 3, (row * 2 + t) * 3 + 3).join(',')
        expect(key).toMatch(/^-?\d+,-?\d+,-?\d+$/)
        table.set(key, [...(table.get(key) ?? []), row])
      }
      expect(new Map(Array.from(index.buckets(t), ([key, ids]) => [key, Array.from(ids)]))).toEqual(table)
    }
  })

  it('are floor((a x + b) / r) with b from 0 up to r', () => {
    // Seen from the calls alone: far along an axis the numbers tell a, near the origin a step tells b.
    const [far, tables, k] = [1e6, 2, 3]
    const axes = Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (_, j) => (i === j ? far : 0)))
    const ends = index.hash(axes).data
    const origin = index.hash(new Float32Array(8)).data
    expect(new Set(origin)).toEqual(new Set([0]))
    const { data } = index.hash(vectors)
    let agreeing = 0
    for (let p = 0; p < tables * k; p++) {
      const a = axes.map((_, axis) => (ends[axis * tables * k + p]! * options.r) / far)
      // b / r: what all vectors' numbers leave open.
      let [low, high] = [0, 1]
      for (const [row, vector] of vectors.entries()) {
        const position = vector.reduce((sum, x, i) => sum + x * a[i]!, 0) / options.r
        const interval = data[row * tables * k + p]!
        low = Math.max(low, interval - position)
        high = Math.min(high, interval + 1 - position)
      }
      // One b fits all 200 vectors, up to the precision that a was seen with.
      if (low <= high + 1e-4) agreeing++
    }
    expect(agreeing).toBe(tables * k)
  })

  it('put near vectors together more often than far ones', () => {
    const together = (step: number) => {
      const moved = vectors.map((v) => v.map((x, i) => (i === 0 ? x + step : x)))
      const [a, b] = [index.hash(vectors).data, index.hash(moved).data]
      return a.filter((value, i) => value === b[i]).length
    }
    expect(together(0)).toBe(200 * 6)
    expect(together(0.1)).toBeGreaterThan(together(1))
    expect(together(1)).toBeGreaterThan(together(5))
  })
})

describe('bucketSize', () => {
  it.each([
    [200, 50, 2],
    [200, 25, 3],
    [200, 13, 3],
    [200, 1, 7],
    [128, 1, 7],
    [127, 1, 6],
    [200, 200, 1],
    [200, 1000, 1],
    [1, 1, 1],
  ])('of %i rows, %i a bucket: %i hyperplanes', (rows, bucketSize, hyperplanes) => {
    const index = new SRP({ bucketSize, nHashTables: 1 }).fitSync(vectors.slice(0, rows))
    expect(index.nProjections).toBe(hyperplanes)
    expect(index.hash(vectors[0]!).data).toHaveLength(hyperplanes)
    // The notebook's formula; it has at least one hyperplane to hash with.
    expect(hyperplanes).toBe(Math.max(1, Math.floor(Math.log2(rows / bucketSize))))
    expect(new L2({ bucketSize, nHashTables: 1, r: 1 }).fitSync(vectors.slice(0, rows)).nProjections).toBe(hyperplanes)
  })

  it('follows the number of rows of each fit', () => {
    const index = new SRP({ bucketSize: 10, nHashTables: 2 })
    expect(index.nProjections).toBeUndefined()
    expect(index.fitSync(vectors).nProjections).toBe(4)
    expect(index.fitSync(vectors.slice(0, 40)).nProjections).toBe(2)
  })
})
