// A defect in native code must never take Node down. Panics are made on purpose, at each place where one could start.

import { cdist, cdistSync, knn, knnSync, L2, NearhashError, SRP, type LshIndex } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { binding } from './support/binding.js'
import { normal, rowsOf } from './support/random.js'

const points = rowsOf(300, 6, normal(101))
const queries = rowsOf(40, 6, normal(102))

/** The error that a call ends with, thrown or rejected. */
async function outcome(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  return expect.fail('the call was not hit')
}

function expectInternal(error: unknown, place: string): void {
  expect(error).toBeInstanceOf(NearhashError)
  expect(error).toMatchObject({
    name: 'NearhashError',
    code: 'ERR_NEARHASH_INTERNAL',
    message: expect.stringMatching(/^internal error of nearhash, please report it: .*injected panic/),
  })
  expect((error as Error).message).toContain(place)
}

describe.each([
  ['SRP', () => new SRP(4, 5)],
  ['L2', () => new L2(4, 5, { r: 3 })],
] as [string, () => LshIndex][])('%s', (_name, make) => {
  const expected = make().fitSync(points).searchSync(queries)
  const alive = (index: LshIndex) => expect(index.searchSync(queries).toJSON()).toEqual(expected.toJSON())

  describe('a panic in a blocking call is thrown as an internal error, and the index lives on', () => {
    const calls: [string, (index: LshIndex) => unknown][] = [
      ['fitSync', (index) => index.fitSync(points)],
      ['searchSync', (index) => index.searchSync(queries)],
      ['searchSync of one', (index) => index.searchSync([queries[0]!])],
      ['searchSync of one typed array', (index) => index.searchSync(Float32Array.from(queries[0]!))],
      ['predictSync', (index) => index.predictSync(queries)],
      ['evaluateSync', (index) => index.evaluateSync(queries)],
      ['storeVec', (index) => index.storeVec(queries[0]!)],
      ['storeVecsSync', (index) => index.storeVecsSync(queries)],
      ['updateVec', (index) => index.updateVec(0, queries[0]!)],
      ['deleteVec', (index) => index.deleteVec(0)],
      ['deleteVec of a vector', (index) => index.deleteVec(points[0]!)],
      ['reset', (index) => index.reset()],
      ['getVec', (index) => index.getVec(0)],
      ['queryBucketIdx', (index) => index.queryBucketIdx(queries[0]!)],
      ['queryBucket', (index) => index.queryBucket(queries[0]!)],
      ['hash', (index) => index.hash(queries)],
      ['buckets', (index) => index.buckets(0)],
      ['describe', (index) => index.describe()],
    ]
    it.each(calls)('%s', async (_name, call) => {
      const index = make().fitSync(points)
      binding.injectFault('call')
      expectInternal(await outcome(() => call(index)), 'Call')
      expect(index.size).toBe(300)
      alive(index)
      expect(index.storeVec(queries[0]!)).toBe(300)
    })
  })

  describe('a panic in a promised call rejects it, and the index lives on', () => {
    const calls: [string, (index: LshIndex) => Promise<unknown>][] = [
      ['fit', (index) => index.fit(queries)],
      ['storeVecs', (index) => index.storeVecs(queries)],
      ['search', (index) => index.search(queries)],
      ['predict', (index) => index.predict(queries)],
      ['evaluate', (index) => index.evaluate(queries)],
    ]
    for (const [place, name] of [['task', 'Task'], ['pool', 'Pool']] as const) {
      it.each(calls)(`%s, in the ${place}`, async (_name, call) => {
        const index = make().fitSync(points)
        binding.injectFault(place)
        expectInternal(await outcome(() => call(index)), name)
        expect(index.size).toBe(300)
        alive(index)
        // Nothing is left locked.
        expect(await index.storeVecs(queries)).toHaveLength(40)
        await index.fit(points)
        alive(index)
      })
    }
  })

  it('a panic in the pool is thrown by a blocking call too', async () => {
    const index = make().fitSync(points)
    for (const call of [() => index.fitSync(queries), () => index.searchSync(queries), () => index.evaluateSync(queries)]) {
      binding.injectFault('pool')
      expectInternal(await outcome(call), 'Pool')
      alive(index)
    }
  })

  it('of many calls at once, one panics and the others answer', async () => {
    const index = make().fitSync(points)
    binding.injectFault('task')
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => index.search(queries)))
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    for (const one of outcomes) {
      if (one.status === 'fulfilled') expect(one.value.toJSON()).toEqual(expected.toJSON())
      else expectInternal(one.reason, 'Task')
    }
  })

  it('a panic after an abort is nobody’s business', async () => {
    const index = make().fitSync(points)
    binding.injectFault('task')
    const stop = new AbortController()
    const searching = index.search(queries, { signal: stop.signal })
    stop.abort('enough')
    await expect(searching).rejects.toBe('enough')
    // Until the task has met its panic.
    await expect.poll(() => index.search(queries).then(() => 'answers', () => 'panics')).toBe('answers')
    alive(index)
  })
})

it('knn and cdist live through it', async () => {
  const expected = knnSync(points, queries)
  for (const [place, calls] of [
    ['call', [() => knnSync(points, queries), () => cdistSync(points, queries)]],
    ['task', [() => knn(points, queries), () => cdist(points, queries)]],
    ['pool', [() => knn(points, queries), () => cdist(points, queries), () => knnSync(points, queries), () => cdistSync(points, queries)]],
  ] as [string, (() => unknown)[]][]) {
    for (const call of calls) {
      binding.injectFault(place)
      expect(await outcome(call)).toMatchObject({ code: 'ERR_NEARHASH_INTERNAL' })
      expect(knnSync(points, queries)).toEqual(expected)
    }
  }
})

it('faults are made in tests only', () => {
  const setting = process.env['NEARHASH_FAULT_INJECTION']
  delete process.env['NEARHASH_FAULT_INJECTION']
  expect(() => binding.injectFault('call')).toThrow('off')
  process.env['NEARHASH_FAULT_INJECTION'] = setting
})
