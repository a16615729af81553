import { expect, test } from 'vitest'
import { findsFirst, mean, recallAt, withoutId } from '../../benchmark/measure/accuracy.mjs'
import { exactDistance, isSameDistance } from '../../benchmark/measure/exact-distance.mjs'
import { summarise, timeRuns } from '../../benchmark/measure/timing.mjs'

const truth = { ids: [4, 7, 2, 9], distances: [1, 2, 3, 3] }

test('recall counts true neighbours, and others just as near', () => {
  expect(recallAt(truth, truth, 4)).toBe(1)
  expect(recallAt(truth, { ids: [4, 9], distances: [1, 3] }, 4)).toBe(0.5)
  expect(recallAt(truth, { ids: [], distances: [] }, 4)).toBe(0)
  // 11 is as near as the last true neighbour, 12 is not.
  expect(recallAt(truth, { ids: [4, 7, 11, 12], distances: [1, 2, 3, 4] }, 4)).toBe(0.75)
  // Only the first k of the answer count.
  expect(recallAt(truth, { ids: [5, 4], distances: [3, 3] }, 1)).toBe(0)
  // Fewer true neighbours than asked for: all of them is all there is.
  expect(recallAt({ ids: [1], distances: [1] }, { ids: [1, 2], distances: [1, 2] }, 10)).toBe(1)
})

test('the true first neighbour is looked for among the first few', () => {
  const answer = { ids: [9, 7, 4], distances: [3, 2, 1] }
  expect(findsFirst(truth, answer, 3)).toBe(true)
  expect(findsFirst(truth, answer, 2)).toBe(false)
  expect(findsFirst(truth, { ids: [8], distances: [1] }, 1)).toBe(true)
  expect(findsFirst(truth, { ids: [], distances: [] }, 5)).toBe(false)
})

test("a query's own row is dropped wherever it stands", () => {
  expect(withoutId({ ids: Uint32Array.of(3, 0, 5), distances: Float32Array.of(0, 0, 2) }, 0)).toEqual({ ids: [3, 5], distances: [0, 2] })
  expect(withoutId({ ids: [3], distances: [1] }, 8)).toEqual({ ids: [3], distances: [1] })
})

test('mean, median and quartiles', () => {
  expect(mean(Float32Array.of(1, 2, 6))).toBe(3)
  expect(summarise([5, 1, 3, 2, 4])).toEqual({ median: 3, lowerQuartile: 2, upperQuartile: 4, fastest: 1, slowest: 5, runs: 5 })
  expect(summarise([1, 2])).toMatchObject({ median: 1.5, lowerQuartile: 1.25, upperQuartile: 1.75 })
  expect(summarise([7])).toEqual({ median: 7, lowerQuartile: 7, upperQuartile: 7, fastest: 7, slowest: 7, runs: 1 })
})

test('runs are counted without the warm-up', async () => {
  let calls = 0
  const work = () => { calls++ }
  expect(await timeRuns(work, { warmUps: 2, minRuns: 3, maxRuns: 3, enough: 0 })).toHaveLength(3)
  expect(calls).toBe(5)
  // Nothing this short is ever enough, so the most runs are made.
  expect(await timeRuns(work, { warmUps: 0, minRuns: 1, maxRuns: 7, enough: 1e9 })).toHaveLength(7)
  const cancellation = new AbortController()
  const stopped = timeRuns(() => cancellation.abort(), { warmUps: 0, minRuns: 9, maxRuns: 9, enough: 0, signal: cancellation.signal })
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
})

test('the plain formulas of the distances', () => {
  const a = { data: Float64Array.of(0, 0, 3, 4), shape: [2, 2] as [number, number] }
  const b = { data: Uint8Array.of(3, 4, 0, 5), shape: [2, 2] as [number, number] }
  expect(exactDistance('euclidean', a, 0, b, 0)).toBe(5)
  expect(exactDistance('euclidean', a, 1, b, 0)).toBe(0)
  expect(exactDistance('cosine', a, 1, b, 1)).toBeCloseTo(0.2, 15)
  expect(isSameDistance('euclidean', Math.fround(0.1), 0.1)).toBe(true)
  expect(isSameDistance('euclidean', 0.10001, 0.1)).toBe(false)
  expect(isSameDistance('cosine', 1e-6, 0)).toBe(true)
  expect(isSameDistance('cosine', 1e-5, 0)).toBe(false)
})
