// An Index through its life: points come and go, calls meet each other, are stopped, go wrong.

import { Worker } from 'node:worker_threads'
import { once } from 'node:events'
import fc from 'fast-check'
import { Index, knnSync, NearhashError, type Metric, type NumericArray, type Progress, type Vectors } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { binding } from './support/binding.js'
import { refusedChanges } from './support/changes.js'
import { refusal, rejection } from './support/errors.js'
import { integers, matrixOf, normal, rowsOf } from './support/random.js'

const DIM = 32
const points = rowsOf(200, DIM, normal(341))
const queries = rowsOf(10, DIM, normal(342))
/** Takes a good while to fit. */
const many = matrixOf(60_000, DIM, integers(343, 100))
/** Takes longer than anybody waits. */
const endless = matrixOf(600_000, DIM, integers(344, 1000))

function plain(found: Iterable<{ ids: Uint32Array; distances: Float32Array }>) {
  return Array.from(found, ({ ids, distances }) => ({ ids: Array.from(ids), distances: Array.from(distances) }))
}

describe.each<Metric>(['euclidean', 'cosine'])('points come and go, %s', (metric) => {
  it('in any order, and exact search on what is there agrees', () => {
    const value = fc.integer({ min: 1, max: 4 })
    const row = fc.array(value, { minLength: 3, maxLength: 3 })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('store' as const), rows: fc.array(row, { minLength: 1, maxLength: 30 }) }),
      fc.record({ kind: fc.constant('store one' as const), rows: fc.array(row, { minLength: 1, maxLength: 1 }) }),
      fc.record({ kind: fc.constant('delete' as const), id: fc.nat(80) }),
      fc.record({ kind: fc.constant('delete equal' as const), rows: fc.array(row, { minLength: 1, maxLength: 1 }) }),
      fc.record({ kind: fc.constant('update' as const), id: fc.nat(80), rows: fc.array(row, { minLength: 1, maxLength: 1 }) }),
      fc.record({ kind: fc.constant('fit' as const), rows: fc.array(row, { minLength: 1, maxLength: 40 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.array(row, { minLength: 1, maxLength: 5 }), (steps, asked) => {
        const index = new Index({ metric, dim: 3 })
        let [known, next] = [new Map<number, number[]>(), 0]
        for (const step of steps) {
          if (step.kind === 'fit') {
            index.fitSync(step.rows)
            known = new Map(step.rows.entries())
            next = step.rows.length
          } else if (step.kind === 'store' || step.kind === 'store one') {
            const ids = step.kind === 'store' ? index.storeVecsSync(step.rows) : [index.storeVec(step.rows[0]!)]
            expect(Array.from(ids)).toEqual(step.rows.map((_, i) => next + i))
            for (const row of step.rows) known.set(next++, row)
          } else if (step.kind === 'delete') {
            expect(index.deleteVec(step.id)).toBe(known.delete(step.id) ? 1 : 0)
          } else if (step.kind === 'delete equal') {
            const gone = [...known].filter(([, row]) => String(row) === String(step.rows[0])).map(([id]) => id)
            expect(index.deleteVec(step.rows[0]!)).toBe(gone.length)
            for (const id of gone) known.delete(id)
          } else if (known.has(step.id)) {
            index.updateVec(step.id, step.rows[0]!)
            known.set(step.id, step.rows[0]!)
          } else {
            expect(refusal(() => index.updateVec(step.id, step.rows[0]!)).code).toBe('ERR_NEARHASH_UNKNOWN_ID')
          }
          expect(index.size).toBe(known.size)
        }
        const ids = [...known.keys()].sort((a, b) => a - b)
        const found = plain(index.searchSync(asked, { k: 7, recall: 1 }))
        if (ids.length === 0) {
          expect(found).toEqual(asked.map(() => ({ ids: [], distances: [] })))
          return
        }
        const expected = plain(knnSync(ids.map((id) => known.get(id)!), asked, { k: 7, metric }))
        expect(found).toEqual(expected.map(({ ids: places, distances }) => ({ ids: places.map((place) => ids[place]), distances })))
        for (const id of ids) expect(Array.from(index.getVec(id)!)).toEqual(known.get(id))
        expect(index.getVec(next)).toBeUndefined()
      }),
      { numRuns: 150 },
    )
  })

  it('by the thousand, beside a large fit', async () => {
    const index = await new Index({ metric }).fit(many)
    const ids = await index.storeVecs({ data: many.data.subarray(0, 5000 * DIM), shape: [5000, DIM] })
    expect([ids.length, ids[0], ids.at(-1), index.size]).toEqual([5000, 60_000, 64_999, 65_000])
    for (let id = 0; id < 1000; id++) expect(index.deleteVec(id)).toBe(1)
    for (let i = 1000; i < 1020; i++) {
      const query = many.data.slice(i * DIM, (i + 1) * DIM)
      // Itself, and its copy that was stored.
      expect(Array.from(index.searchSync(query, { k: 2, recall: 1 }).ids)).toEqual([i, 60_000 + i])
      expect(Array.from(index.searchSync(many.data.slice(0, DIM), { recall: 1 }).ids)).not.toContain(0)
    }
  })
})

describe('before fit', () => {
  it('says so, unless dim is known', async () => {
    const index = new Index()
    expect(refusal(() => index.searchSync([1, 2])).code).toBe('ERR_NEARHASH_NOT_FITTED')
    expect(refusal(() => index.searchSync(Float32Array.of(1, 2))).code).toBe('ERR_NEARHASH_NOT_FITTED')
    expect(refusal(() => index.storeVec([1, 2])).code).toBe('ERR_NEARHASH_NOT_FITTED')
    expect((await rejection(() => index.search([[1, 2]]))).code).toBe('ERR_NEARHASH_NOT_FITTED')
    expect((await rejection(() => index.evaluate([[1, 2]]))).code).toBe('ERR_NEARHASH_NOT_FITTED')
    const empty = new Index({ dim: 2 })
    expect(plain(empty.searchSync([1, 2]))).toEqual([{ ids: [], distances: [] }])
    expect([empty.storeVec([1, 2]), empty.size]).toEqual([0, 1])
    expect(empty.searchSync([1, 2]).at(0).ids).toEqual(Uint32Array.of(0))
    expect(empty.reset().size).toBe(0)
  })
})

describe('vectors that are none', () => {
  const wrong: [string, unknown, string][] = [
    ['NaN', [[1, NaN, 3]], 'ERR_NEARHASH_NOT_FINITE'],
    ['Infinity in float64', [Float64Array.of(1, 1e39, 3)], 'ERR_NEARHASH_NOT_FINITE'],
    ['another length', [[1, 2]], 'ERR_NEARHASH_DIMENSION'],
    ['ragged rows', [[1, 2, 3], [4, 5]], 'ERR_NEARHASH_ARGUMENT'],
    ['zeros where the metric is cosine', [[0, 0, 0]], 'ERR_NEARHASH_ZERO_VECTOR'],
    ['text', 'abc', 'ERR_NEARHASH_ARGUMENT'],
    ['nothing', undefined, 'ERR_NEARHASH_ARGUMENT'],
  ]
  it.each(wrong)('%s: refused by every call, and nothing changes', async (_name, bad, code) => {
    const good = [[1, 2, 3], [4, 5, 6], [7, 8, 10]]
    const index = new Index({ metric: 'cosine', dim: 3 }).fitSync(good)
    const before = JSON.stringify([index.size, index.searchSync(good)])
    const x = bad as Vectors
    const errors = [
      refusal(() => index.fitSync(x)),
      await rejection(() => index.fit(x)),
      refusal(() => index.storeVecsSync(x)),
      await rejection(() => index.storeVecs(x)),
      refusal(() => index.searchSync(x)),
      await rejection(() => index.search(x)),
      await rejection(() => index.evaluate(x)),
    ]
    if (Array.isArray(bad) && bad.length === 1) {
      const v = bad[0] as NumericArray
      errors.push(
        refusal(() => index.storeVec(v)),
        refusal(() => index.updateVec(0, v)),
        refusal(() => index.searchSync(Float32Array.from(v))),
      )
    }
    expect(errors.map((error) => error.code)).toEqual(errors.map(() => code))
    expect(JSON.stringify([index.size, index.searchSync(good)])).toBe(before)
  })
})

describe('one change at a time', () => {
  it('while a fit runs other changes are refused, and searches see the old points', async () => {
    const index = new Index().fitSync(points)
    const old = index.searchSync(queries)
    const stop = new AbortController()
    const fitting = index.fit(endless, { signal: stop.signal })
    const refused = await refusedChanges(index, points, queries)
    expect(refused.map(({ code }) => code)).toEqual(Array(9).fill('ERR_NEARHASH_BUSY'))
    expect(index.searchSync(queries)).toEqual(old)
    expect(await index.search(queries)).toEqual(old)
    expect(index.searchSync(Float32Array.from(queries[0]!)).at(0)).toEqual(old.at(0))
    expect([index.size, index.getVec(200)]).toEqual([200, undefined])
    stop.abort()
    await expect(fitting).rejects.toBe(stop.signal.reason)
    expect(index.searchSync(queries)).toEqual(old)
    await index.fit(many)
    expect(index.size).toBe(60_000)
  })

  it('of two fits at once one is refused, however often', async () => {
    const index = new Index()
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.allSettled([index.fit(points), index.fit(queries), index.fit(points)])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
      expect(index.size).toBe(200)
    }
  })
})

describe('a signal', () => {
  type Call = (index: Index, signal: AbortSignal) => Promise<unknown>
  const calls: [string, Call][] = [
    ['fit', (index, signal) => index.fit(endless, { signal })],
    ['storeVecs', (index, signal) => index.storeVecs(endless, { signal })],
    ['search', (index, signal) => index.search({ data: many.data, shape: many.shape }, { k: 100, recall: 1, signal })],
    ['evaluate', (index, signal) => index.evaluate({ data: many.data, shape: many.shape }, { k: 100, signal })],
  ]
  const full = new Index().fitSync(many)
  it.each(calls)('stops %s: before, at once, while it runs', async (name, call) => {
    const make = () => (name === 'fit' || name === 'storeVecs' ? new Index().fitSync(points) : full)
    const reason = { why: 'not wanted' }
    await expect(call(make(), AbortSignal.abort(reason))).rejects.toBe(reason)
    for (const milliseconds of [0, 30]) {
      const index = make()
      const before = JSON.stringify([index.size, index.searchSync(queries)])
      const controller = new AbortController()
      const running = call(index, controller.signal)
      if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds))
      controller.abort(reason)
      await running.then(
        () => expect.fail('the promise was fulfilled'),
        (given) => expect(given).toBe(reason),
      )
      expect(JSON.stringify([index.size, index.searchSync(queries)])).toBe(before)
      if (index !== full) expect(index.storeVec(queries[0]!)).toBe(200)
    }
  })
})

describe('progress of fit', () => {
  it('grows within a stage and ends with all done', async () => {
    const seen: Progress[] = []
    await new Index().fit(many, { onProgress: (progress) => void seen.push(progress) })
    expect(seen.length).toBeGreaterThan(0)
    for (const [i, { stage, done, total }] of seen.entries()) {
      expect(done).toBeLessThanOrEqual(total)
      if (seen[i - 1]?.stage === stage) expect(done).toBeGreaterThanOrEqual(seen[i - 1]!.done)
    }
    const last = seen.at(-1)!
    expect([last.done, last.total > 0, last.stage !== '']).toEqual([last.total, true, true])
  })
})

describe('a panic', () => {
  const calls: [string, (index: Index) => unknown][] = [
    ['fitSync', (index) => index.fitSync(points)],
    ['searchSync', (index) => index.searchSync(queries)],
    ['searchSync of one', (index) => index.searchSync(Float32Array.from(queries[0]!))],
    ['searchSync with a filter', (index) => index.searchSync(Float32Array.from(queries[0]!), { filter: { deny: [1] } })],
    ['evaluateSync', (index) => index.evaluateSync(queries)],
    ['storeVec', (index) => index.storeVec(queries[0]!)],
    ['storeVecsSync', (index) => index.storeVecsSync(queries)],
    ['updateVec', (index) => index.updateVec(0, queries[0]!)],
    ['deleteVec', (index) => index.deleteVec(0)],
    ['reset', (index) => index.reset()],
    ['getVec', (index) => index.getVec(0)],
    ['describe', (index) => index.describe()],
  ]
  it.each(calls)('in %s is an internal error, and the index lives on', (_name, call) => {
    const index = new Index().fitSync(points)
    const expected = index.searchSync(queries).toJSON()
    binding.injectFault('call')
    let thrown: unknown
    try {
      call(index)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(NearhashError)
    expect(thrown).toMatchObject({ code: 'ERR_NEARHASH_INTERNAL', message: expect.stringContaining('injected panic') })
    expect(index.searchSync(queries).toJSON()).toEqual(expected)
    expect(index.storeVec(queries[0]!)).toBe(200)
  })

  it.each(['task', 'pool'])('on a thread (%s) is a rejection, and the index lives on', async (place) => {
    const index = new Index().fitSync(points)
    const expected = index.searchSync(queries).toJSON()
    for (const call of [() => index.fit(points), () => index.search(points), () => index.storeVecs(points), () => index.evaluate(points)]) {
      binding.injectFault(place)
      await expect(call()).rejects.toMatchObject({ code: 'ERR_NEARHASH_INTERNAL' })
      expect(index.searchSync(queries).toJSON()).toEqual(expected)
    }
  })
})

describe('dispose', () => {
  it('ends all calls but those under way', async () => {
    const index = new Index().fitSync(points)
    const expected = index.searchSync(queries)
    const searching = index.search(queries)
    index.dispose()
    expect(await searching).toEqual(expected)
    const errors = [
      refusal(() => index.searchSync(queries)),
      refusal(() => index.searchSync(Float32Array.from(queries[0]!))),
      refusal(() => index.fitSync(points)),
      refusal(() => index.storeVec(queries[0]!)),
      refusal(() => index.size),
      refusal(() => index.describe()),
      await rejection(() => index.search(queries)),
      await rejection(() => index.fit(points)),
    ]
    expect(errors.map(({ code }) => code)).toEqual(errors.map(() => 'ERR_NEARHASH_DISPOSED'))
    index.dispose()
    index[Symbol.dispose]()
  })
})

it('many searches at once, promises and calls, with points coming and going, each see one state', async () => {
  const index = await new Index().fit(many)
  const expected = index.searchSync(queries, { recall: 1 })
  const far = new Float32Array(DIM).fill(1e6)
  const searches: Promise<unknown>[] = []
  for (let round = 0; round < 30; round++) {
    searches.push(index.search(queries, { recall: 1 }).then((found) => expect(found).toEqual(expected)))
    const id = index.storeVec(far)
    expect(index.searchSync(far, { k: 1 }).ids[0]).toBe(id)
    expect(index.searchSync(Float32Array.from(queries[round % 10]!), { recall: 1 }).at(0)).toEqual(expected.at(round % 10))
    index.deleteVec(id)
  }
  await Promise.all(searches)
  expect(index.size).toBe(60_000)
})

it('the event loop turns while a batch is searched and while a fit runs', async () => {
  const index = await new Index().fit(many)
  for (const begin of [(signal: AbortSignal) => index.search(many, { k: 100, recall: 1, signal }), (signal: AbortSignal) => index.fit(endless, { signal })]) {
    const stop = new AbortController()
    const running = begin(stop.signal)
    for (let turn = 0; turn < 500; turn++) await new Promise(setImmediate)
    // Had the loop stood still, the work would be over.
    stop.abort()
    await expect(running).rejects.toBe(stop.signal.reason)
  }
})

it('workers have indexes of their own and are terminated in the middle of their calls', async () => {
  const start = (rounds?: number) => new Worker(new URL('programs/busy-index.mjs', import.meta.url), { workerData: { rounds }, execArgv: [] })
  const index = new Index().fitSync(points)
  const expected = index.searchSync(queries)
  const workers = Array.from({ length: 4 }, () => start())
  const ended = workers.map(async (worker) => {
    expect(await once(worker, 'message')).toEqual(['working'])
    return worker.terminate()
  })
  for (let i = 0; i < 20; i++) expect(await index.search(queries)).toEqual(expected)
  expect(await Promise.all(ended)).toEqual(Array(4).fill(1))
  const last = start(2)
  const messages: unknown[] = []
  last.on('message', (message) => messages.push(message))
  expect(await once(last, 'exit')).toEqual([0])
  expect(messages).toEqual(['working', 'done'])
})
