import { knn, L2, NearhashError, SRP, type LshIndex } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { refusedChanges } from './support/changes.js'
import { refusal, rejection } from './support/errors.js'
import { integers, matrixOf, normal, rowsOf } from './support/random.js'

const DIM = 32
const points = rowsOf(100, DIM, normal(61))
/** Takes a good while to fit, with these many hashes. */
const many = matrixOf(40_000, DIM, integers(62, 100))
/** Takes longer than anybody waits. */
const endless = { data: new Uint8Array(600_000 * DIM).fill(1), shape: [600_000, DIM] } as const
/** Near points of either set. */
const queries = [...points.slice(0, 5), ...Array.from({ length: 5 }, (_, i) => Array.from(many.data.subarray(i * DIM, (i + 1) * DIM)))]
const heavy = { nProjections: 64, nHashTables: 200 }

const FAMILIES: [string, () => LshIndex][] = [
  ['SRP', () => new SRP(heavy)],
  ['L2', () => new L2({ ...heavy, r: 30 })],
]

/** Whether a promise has settled by now. */
function watch(promise: Promise<unknown>): { settled: boolean } {
  const state = { settled: false }
  const settle = () => void (state.settled = true)
  promise.then(settle, settle)
  return state
}

describe.each(FAMILIES)('%s', (_name, make) => {
  it('refuses every change while a fit runs, and loses nothing', async () => {
    const index = make().fitSync(points)
    const fitting = index.fit(many)
    const refused = await refusedChanges(index, points, queries)
    expect(refused.map(({ code }) => code)).toEqual(Array(9).fill('ERR_NEARHASH_BUSY'))
    expect(refused.map(({ argument }) => argument)).toEqual([
      'fit',
      'fitSync',
      'storeVecs',
      'storeVecsSync',
      'storeVec',
      'updateVec',
      'deleteVec',
      'deleteVec',
      'reset',
    ])
    await fitting
    expect(index.size).toBe(40_000)
    expect(index.storeVec(queries[0]!)).toBe(40_000)
    expect(index.deleteVec(0)).toBe(1)
  })

  it('answers from the old points while a fit runs, and from the new ones after it', async () => {
    const index = make().multiProbe(5).fitSync(points)
    const old = index.searchSync(queries)
    const stop = new AbortController()
    const fitting = index.fit(endless, { signal: stop.signal })
    for (let i = 0; i < 3; i++) {
      expect(index.searchSync(queries)).toEqual(old)
      expect(await index.search(queries)).toEqual(old)
      expect(index.size).toBe(100)
      expect(index.getVec(99)).toEqual(Float32Array.from(points[99]!))
      expect(index.getVec(100)).toBeUndefined()
      expect(index.describe().size).toBe(100)
    }
    stop.abort()
    await expect(fitting).rejects.toBe(stop.signal.reason)
    expect(index.searchSync(queries)).toEqual(old)

    await index.fit(many)
    expect(index.size).toBe(40_000)
    const fresh = make().multiProbe(5).fitSync(many)
    expect(index.searchSync(queries)).toEqual(fresh.searchSync(queries))
    expect(fresh.searchSync(queries)).not.toEqual(old)
  })

  it('refuses changes while points are stored, and searches meanwhile', async () => {
    const index = make().fitSync(points)
    const old = index.searchSync(queries)
    const storing = index.storeVecs(many)
    const state = watch(storing)
    expect((await rejection(() => index.fit(points))).code).toBe('ERR_NEARHASH_BUSY')
    expect(refusal(() => index.storeVec(points[0]!)).code).toBe('ERR_NEARHASH_BUSY')
    expect(index.searchSync(queries)).toEqual(old)
    expect(state.settled).toBe(false)
    const ids = await storing
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([40_000, 100, 40_099])
    expect(index.size).toBe(40_100)
  })

  it('takes the next change when the last one is settled, whatever came of it', async () => {
    const index = make()
    for (let round = 0; round < 3; round++) {
      await index.fit(points)
      expect((await rejection(() => index.fit([points[0]!, points[1]!.map(() => NaN)]))).code).toBe('ERR_NEARHASH_NOT_FINITE')
      await index.storeVecs(queries)
      expect((await rejection(() => index.storeVecs([[1]]))).code).toBe('ERR_NEARHASH_DIMENSION')
      expect(index.storeVec(queries[0]!)).toBe(110)
      index.reset()
    }
  })

  it('of two fits at once one is refused, however often', async () => {
    const index = make()
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.allSettled([index.fit(points), index.fit(queries), index.fit(points)])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
      expect(index.size).toBe(100)
    }
  })

  it('indexes do not wait for each other', async () => {
    const [first, second] = [make(), make()]
    const stop = new AbortController()
    const slow = first.fit(endless, { signal: stop.signal })
    expect(second.fitSync(points).size).toBe(100)
    expect(second.storeVec(queries[0]!)).toBe(100)
    await second.storeVecs(queries)
    stop.abort()
    await expect(slow).rejects.toBe(stop.signal.reason)
  })

  it('many searches at once answer as one does', async () => {
    const index = make().multiProbe(3).fitSync(points)
    const expected = index.searchSync(queries)
    const results = await Promise.all(Array.from({ length: 50 }, () => index.search(queries)))
    for (const result of results) expect(result).toEqual(expected)
  })
})

describe.each(FAMILIES)('dispose of %s', (_name, make) => {
  it('lets a fit under way end undisturbed', async () => {
    const index = make()
    const fitting = index.fit(many)
    index.dispose()
    expect(await fitting).toBe(index)
    expect(refusal(() => index.size).code).toBe('ERR_NEARHASH_DISPOSED')
  })

  it('lets searches under way end with their answers', async () => {
    const index = make().multiProbe(2).fitSync(matrixOf(5000, DIM, integers(63, 100)))
    const some = { data: many.data.slice(0, 200 * DIM), shape: [200, DIM] } as const
    const expected = index.searchSync(some)
    const searching = [index.search(some), index.predict(some, { topK: 10 })] as const
    index.dispose()
    expect(await searching[0]).toEqual(expected)
    expect((await searching[1])[7]!.index).toEqual(expected.at(7).ids)
  })

  it('may be called twice, and before anything else', () => {
    const index = make()
    index.dispose()
    index.dispose()
    index[Symbol.dispose]()
    const fitted = make().fitSync(points)
    fitted[Symbol.dispose]()
    fitted.dispose()
  })

  it('refuses every later call by its name', async () => {
    const index = make().fitSync(points)
    index.dispose()
    const calls: [string, () => unknown][] = [
      ['size', () => index.size],
      ['dim', () => index.dim],
      ['describe', () => index.nProjections],
      ['describe', () => index.nHashTables],
      ['describe', () => index.describe()],
      ['describe', () => index.toJSON()],
      ['fitSync', () => index.fitSync(points)],
      ['searchSync', () => index.searchSync(points)],
      ['predictSync', () => index.predictSync(points)],
      ['evaluateSync', () => index.evaluateSync(points)],
      ['storeVec', () => index.storeVec(points[0]!)],
      ['storeVecsSync', () => index.storeVecsSync(points)],
      ['updateVec', () => index.updateVec(0, points[0]!)],
      ['deleteVec', () => index.deleteVec(0)],
      ['deleteVec', () => index.deleteVec(points[0]!)],
      ['getVec', () => index.getVec(0)],
      ['queryBucketIdx', () => index.queryBucketIdx(points[0]!)],
      ['queryBucket', () => index.queryBucket(points[0]!)],
      ['hash', () => index.hash(points)],
      ['buckets', () => index.buckets(0)],
      ['base', () => index.base()],
      ['multiProbe', () => index.multiProbe(3)],
      ['reset', () => index.reset()],
    ]
    for (const [, call] of calls) {
      expect(refusal(call)).toMatchObject({ code: 'ERR_NEARHASH_DISPOSED', received: 'a call after dispose' })
    }
    for (const promised of [
      () => index.fit(points),
      () => index.search(points),
      () => index.predict(points),
      () => index.evaluate(points),
      () => index.storeVecs(points),
    ]) {
      expect((await rejection(promised)).code).toBe('ERR_NEARHASH_DISPOSED')
    }
    expect(index.metric).toBe(make().metric)
  })

  it('comes by itself at the end of a block with using', () => {
    let kept: LshIndex
    {
      using index = make().fitSync(points)
      kept = index
      expect(kept.size).toBe(100)
    }
    expect(refusal(() => kept.size).code).toBe('ERR_NEARHASH_DISPOSED')
    expect(() => {
      using index = make().fitSync(points)
      kept = index
      throw new RangeError('on the way')
    }).toThrow(RangeError)
    expect(refusal(() => kept.size).code).toBe('ERR_NEARHASH_DISPOSED')
  })

  it('of one index leaves others alone', () => {
    const [one, other] = [make().fitSync(points), make().fitSync(points)]
    const expected = other.searchSync(queries)
    one.dispose()
    expect(other.searchSync(queries)).toEqual(expected)
  })
})

it('a method torn from its index says so, and does no harm', () => {
  const { searchSync } = new SRP(3, 4, { dim: 2 })
  expect(() => searchSync.call({} as SRP, [[1, 2]])).toThrow()
  expect(() => searchSync.call(undefined as never, [[1, 2]])).toThrow()
  expect(() => new (NearhashError as unknown as new () => Error)()).toThrow(TypeError)
})

it('a search keeps the probing that it was called with', async () => {
  const index = new SRP(4, 3).fitSync(points).multiProbe(2)
  const expected = index.searchSync(queries, { k: 50 }).ids.join()
  const stop = new AbortController()
  // On all of libuv's threads, so that the search has to wait.
  const busy = [1, 2, 3, 4].map(() => knn(many, many, { signal: stop.signal }))
  const searching = index.search(queries, { k: 50 })
  index.base()
  expect(index.searchSync(queries, { k: 50 }).ids.join()).not.toBe(expected)
  stop.abort()
  await Promise.allSettled(busy)
  expect((await searching).ids.join()).toBe(expected)
})
