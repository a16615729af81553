import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readCollection } from '../../benchmark/datasets/collection.mjs'
import { enlarge } from '../../benchmark/datasets/jitter.mjs'
import { writeNpy } from '../../benchmark/datasets/npy.mjs'
import { summariseRecall, Truth } from '../../benchmark/measure/found-neighbours.mjs'
import { fitGrowth, queriesToCatchUp } from '../../benchmark/measure/growth-law.mjs'
import { quantile } from '../../benchmark/measure/quantile.mjs'
import { bestSettings, bestTimeAtRecall, timeAtRecall } from '../../benchmark/measure/recall-curve.mjs'
import { temporaryFolder } from './files.js'

const folder = await temporaryFolder()

describe('time at a recall', () => {
  const curve = [
    { recall: 0.9, time: 10 },
    { recall: 0.99, time: 40 },
    { recall: 0.8, time: 12 }, // slower than the first and finds less
    { recall: 0.999, time: 90 },
  ]

  test('only settings that nothing beats count', () => {
    expect(bestSettings(curve)).toEqual([{ recall: 0.9, time: 10 }, { recall: 0.99, time: 40 }, { recall: 0.999, time: 90 }])
    expect(bestSettings([{ recall: 0.5, time: 1 }, { recall: 0.5, time: 2 }])).toEqual([{ recall: 0.5, time: 1 }])
    expect(bestSettings([])).toEqual([])
  })

  test('a setting that has just this recall is taken as it is', () => {
    expect(timeAtRecall(curve, 0.99)).toEqual({ time: 40, basis: 'between' })
    expect(timeAtRecall(curve, 0.9)).toEqual({ time: 10, basis: 'between' })
  })

  test('between two settings a third of the missed decade costs a third of the factor in time', () => {
    const found = timeAtRecall(curve, 1 - 10 ** -(1 + 1 / 3))
    expect(found?.basis).toBe('between')
    expect(found?.time).toBeCloseTo(10 * 4 ** (1 / 3), 10)
  })

  test('where the least setting finds more, its time is an upper bound; where none finds so much, there is none', () => {
    expect(timeAtRecall(curve, 0.85)).toEqual({ time: 10, basis: 'above' })
    expect(timeAtRecall(curve, 0.9999)).toBeUndefined()
    expect(timeAtRecall([], 0.5)).toBeUndefined()
  })

  test('a recall of 1 is a point like others', () => {
    const found = timeAtRecall([{ recall: 0.9, time: 10 }, { recall: 1, time: 1000 }], 0.99)
    expect(found?.time).toBeGreaterThan(10)
    expect(found?.time).toBeLessThan(1000)
    expect(timeAtRecall([{ recall: 1, time: 7 }], 0.95)).toEqual({ time: 7, basis: 'above' })
  })

  test('the fastest of several indexes answers for the system', () => {
    const curves = [{ name: 'M = 16', points: curve }, { name: 'M = 32', points: [{ recall: 0.95, time: 50 }, { recall: 0.9995, time: 60 }] }]
    expect(bestTimeAtRecall(curves, 0.9)).toMatchObject({ name: 'M = 16', time: 10 })
    expect(bestTimeAtRecall(curves, 0.999)).toMatchObject({ name: 'M = 32' })
    expect(bestTimeAtRecall(curves, 0.99999)).toBeUndefined()
  })
})

test('a power of n is found again', () => {
  const points = [1e4, 3e4, 1e5, 1e6].map((n) => ({ n, time: 0.25 * n ** 0.31 }))
  expect(fitGrowth(points)?.exponent).toBeCloseTo(0.31, 10)
  expect(fitGrowth(points)?.factor).toBeCloseTo(0.25, 10)
  expect(fitGrowth([{ n: 10, time: 1 }])).toBeUndefined()
  expect(fitGrowth([])).toBeUndefined()
})

test('an index pays from the query on at which its build is made good', () => {
  expect(queriesToCatchUp({ build: 10, query: 0.001 }, { build: 0, query: 0.011 })).toBeCloseTo(1000, 9)
  expect(queriesToCatchUp({ build: 0, query: 0.011 }, { build: 10, query: 0.001 })).toBeCloseTo(1000, 9)
  // Faster to build and to ask: ahead from the first query on.
  expect(queriesToCatchUp({ build: 1, query: 1 }, { build: 2, query: 2 })).toBeUndefined()
  expect(queriesToCatchUp({ build: 1, query: 1 }, { build: 2, query: 1 })).toBeUndefined()
})

test('quantiles lie between two values where no value is theirs', () => {
  expect(quantile([1, 2, 3, 4, 5], 0.5)).toBe(3)
  expect(quantile([0, 10], 0.25)).toBe(2.5)
  expect(quantile([4], 0.99)).toBe(4)
})

describe('recall by row numbers', () => {
  // On a line: rows at 0, 1, 2, 3, 3; the query at 0.
  const points = { data: Float32Array.of(0, 1, 2, 3, -3), shape: [5, 1] as [number, number] }
  const queries = { data: Float32Array.of(0, 0), shape: [2, 1] as [number, number] }
  const neighbours = { data: Uint32Array.of(0, 1, 2, 3, 0, 1, 2, 3), shape: [2, 4] as [number, number] }
  const truth = new Truth(points, queries, neighbours, 'euclidean')

  test('counts true neighbours wherever they stand, and others just as near', () => {
    expect([...truth.recallPerQuery([3, 2, 1, 0, /**/ 0, 1, 2, 4], 4, 2)]).toEqual([1, 1])
    expect([...truth.recallPerQuery([4, 0, /**/ 3, 2], 2, 2)]).toEqual([0.5, 0])
  })

  test('a row named twice counts once, and a missing one not at all', () => {
    expect([...truth.recallPerQuery([0, 0, 0, 0, /**/ 0, 1, -1, -1], 4, 2)]).toEqual([0.25, 0.5])
  })

  test('with cosine a longer row in the same direction is as near', () => {
    const rows = { data: Float32Array.of(1, 0, 0, 1, 5, 0), shape: [3, 2] as [number, number] }
    const cosine = new Truth(rows, { data: Float32Array.of(2, 0), shape: [1, 2] }, { data: Uint32Array.of(0), shape: [1, 1] }, 'cosine')
    expect([...cosine.recallPerQuery([2], 1, 1)]).toEqual([1])
    expect([...cosine.recallPerQuery([1], 1, 1)]).toEqual([0])
  })

  test('mean, the worst hundredth and twentieth, and queries without any', () => {
    const shares = Float64Array.from({ length: 100 }, (_, query) => (query === 40 ? 0 : query === 7 ? 0.2 : query < 5 ? 0.5 : 1))
    expect(summariseRecall(shares)).toEqual({ recall: (93 + 2.5 + 0.2) / 100, p1: 0.2, p5: 0.5, none: 0.01 })
    expect(summariseRecall(Float64Array.of(0.3))).toEqual({ recall: 0.3, p1: 0.3, p5: 0.3, none: 0 })
  })
})

describe('more points than there are', () => {
  const real = { data: Float32Array.from({ length: 120 }, (_, place) => Math.sin(place * 12.9898) * 100), shape: [40, 3] as [number, number] }
  const rowText = (data: ArrayLike<number>, row: number) => Array.from({ length: 3 }, (_, column) => data[row * 3 + column]).join()

  test('are real rows first, each once, in an order that the seed decides', () => {
    const { points, sigma } = enlarge(real, 40, { seed: 1, unitLength: false })
    expect(sigma).toBe(0)
    const rows = Array.from({ length: 40 }, (_, row) => rowText(points.data, row))
    expect(rows.toSorted()).toEqual(Array.from({ length: 40 }, (_, row) => rowText(real.data, row)).toSorted())
    expect(enlarge(real, 40, { seed: 2, unitLength: false }).points.data).not.toEqual(points.data)
    expect(enlarge(real, 10, { seed: 1, unitLength: false }).points.data).toEqual(points.data.subarray(0, 30))
  })

  test('then copies that lie a share of the distance to the tenth neighbour away', () => {
    const rows = 4000
    const { points, sigma } = enlarge(real, rows, { seed: 1, unitLength: false })
    let [square, sum] = [0, 0]
    for (let place = 120; place < rows * 3; place++) {
      const moved = points.data[place]! - points.data[((Math.floor(place / 3) % 40) * 3) + (place % 3)]!
      square += moved ** 2
      sum += moved
    }
    const count = rows * 3 - 120
    expect(Math.sqrt(square / count) / sigma).toBeCloseTo(1, 1)
    expect(Math.abs(sum / count) / sigma).toBeLessThan(0.05)

    const tenth = Array.from({ length: 40 }, (_, row) => Array.from({ length: 40 }, (_, other) => (
      Math.hypot(...[0, 1, 2].map((column) => real.data[row * 3 + column]! - real.data[other * 3 + column]!))
    )).sort((a, b) => a - b)[10]!)
    expect(sigma).toBeCloseTo((0.7 * tenth.reduce((all, one) => all + one, 0)) / 40 / Math.sqrt(3), 4)
  })

  test('have length 1 where only directions matter', () => {
    const { points } = enlarge(real, 100, { seed: 3, unitLength: true })
    for (let row = 0; row < 100; row++) expect(Math.hypot(...points.data.subarray(row * 3, row * 3 + 3))).toBeCloseTo(1, 6)
  })
})

test.each([
  Float32Array.of(1.5, -2, 3, 4, 5, 6), Uint8Array.of(1, 2, 3, 4, 5, 255), Uint16Array.of(1, 2, 3, 4, 5, 65535),
  Int16Array.of(-1, 2, 3, 4, 5, -32768), Float64Array.of(Math.PI, 2, 3, 4, 5, 6), Int32Array.of(-5, 4, 3, 2, 1, 0),
])('a matrix is read as it was written: %#', async (data) => {
  const path = join(folder, `${data.constructor.name}.npy`)
  await writeNpy(path, { data, shape: [2, 3] })
  const { data: read, shape } = await readCollection(path)
  expect(shape).toEqual([2, 3])
  expect(read).toEqual(data)
})
