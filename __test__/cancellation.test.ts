import { getEventListeners } from 'node:events'
import { cdist, knn, L2, SRP, type LshIndex, type Progress } from 'nearhash'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { integers, matrixOf, normal, rowsOf } from './support/random.js'

const DIM = 32
const points = rowsOf(200, DIM, normal(71))
const queries = rowsOf(10, DIM, normal(72))
/** Enough that every call below would take many seconds to its end. */
const many = matrixOf(60_000, DIM, integers(73, 100))
/** Fewer and longer: all their distances fit into memory, and take as long. */
const long = { data: new Uint8Array(6000 * 4096).map((_, i) => (i * 7919) % 251), shape: [6000, 4096] } as const
const heavy = { nProjections: 64, nHashTables: 5000 }

afterEach(() => {
  vi.restoreAllMocks()
})

/** What a promise was rejected with. */
async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('the promise was fulfilled'),
    (reason: unknown) => reason,
  )
}

interface Options {
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
}

/** Every promised call, with so much to do that it can only be ended by its signal. */
const LONG: [name: string, prepare: () => { index: LshIndex; call: (options: Options) => Promise<unknown> }][] = [
  ['fit', () => prepared(new L2({ ...heavy, r: 9 }), (index, options) => index.fit(many, options))],
  ['fit of SRP', () => prepared(new SRP(heavy), (index, options) => index.fit(many, options))],
  ['fit that chooses its parameters', () => prepared(new L2({ nHashTables: 5000 }), (index, options) => index.fit(many, options))],
  ['storeVecs', () => prepared(new SRP(heavy), (index, options) => index.storeVecs(many, options))],
  ['search', () => prepared(coarse(), (index, { signal }) => index.search(many, signal && { signal }))],
  ['predict', () => prepared(coarse(), (index, { signal }) => index.predict(many, signal && { signal }))],
  ['evaluate', () => prepared(coarse(), (index, { signal }) => index.evaluate(many, signal && { signal }))],
  ['knn', () => prepared(coarse(), (_, { signal }) => knn(many, many, signal && { signal }))],
  ['knn of cosine', () => prepared(coarse(), (_, { signal }) => knn(many, many, { metric: 'cosine', ...(signal && { signal }) }))],
  ['cdist', () => prepared(coarse(), (_, { signal }) => cdist(long, long, signal && { signal }))],
]

function prepared(index: LshIndex, call: (index: LshIndex, options: Options) => Promise<unknown>) {
  if (index.size === 0) index.fitSync(points)
  return { index, call: (options: Options) => call(index, options) }
}

/** Every point is a candidate of every query. */
function coarse(): LshIndex {
  return new L2({ nProjections: 1, nHashTables: 20, r: 1e30 }).fitSync(many)
}

function picture(index: LshIndex): string {
  return JSON.stringify([index.size, index.getVec(0), index.searchSync(queries, { k: 3 })])
}

/** Let the work get going: the event loop turns until libuv has had time to hand it to a thread. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30))
}

describe.each(LONG)('%s', (_name, prepare) => {
  it('aborted before: rejects with the reason and starts nothing', async () => {
    const { index, call } = prepare()
    const before = picture(index)
    const reason = { why: 'not wanted' }
    const signal = AbortSignal.abort(reason)
    const add = vi.spyOn(signal, 'addEventListener')
    expect(await reasonOf(call({ signal }))).toBe(reason)
    expect(add).not.toHaveBeenCalled()
    expect(picture(index)).toBe(before)
    index.storeVec(queries[0]!)
  })

  it('aborted at once, in the same turn: rejects and changes nothing', async () => {
    const { index, call } = prepare()
    const before = picture(index)
    const controller = new AbortController()
    const running = call({ signal: controller.signal })
    controller.abort()
    expect(await reasonOf(running)).toBe(controller.signal.reason)
    expect(picture(index)).toBe(before)
    index.storeVec(queries[0]!)
  })

  it('aborted while it runs: rejects at once, changes nothing, and the index goes on', async () => {
    const { index, call } = prepare()
    const before = picture(index)
    const controller = new AbortController()
    const add = vi.spyOn(controller.signal, 'addEventListener')
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const running = call({ signal: controller.signal })
    await aWhile()
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)

    controller.abort(new RangeError('enough'))
    let turned = false
    setImmediate(() => (turned = true))
    expect(await reasonOf(running)).toEqual(new RangeError('enough'))
    // Before the event loop turned once: it did not wait for the work to notice.
    expect(turned).toBe(false)

    expect(picture(index)).toBe(before)
    expect(add).toHaveBeenCalledTimes(1)
    expect(remove).toHaveBeenCalledTimes(1)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    // The change that was stopped stands in nobody's way.
    await index.fit(points)
    expect(index.size).toBe(200)
  })

  it('ends by AbortSignal.timeout', async () => {
    const { index, call } = prepare()
    const before = picture(index)
    expect(await reasonOf(call({ signal: AbortSignal.timeout(20) }))).toMatchObject({ name: 'TimeoutError' })
    expect(picture(index)).toBe(before)
  })
})

it('aborted while queued: rejects at once and never starts', async () => {
  const stop = new AbortController()
  const options = { signal: stop.signal }
  // libuv has four threads.
  const busy = Array.from({ length: 4 }, () => knn(many, many, options))
  const index = new SRP(5, 4).fitSync(points)
  const before = picture(index)
  const seen: Progress[] = []
  const own = new AbortController()
  const queued = [
    index.fit(many, { signal: own.signal, onProgress: (progress) => seen.push(progress) }),
    index.search(queries, { signal: own.signal }),
    knn(points, queries, { signal: own.signal }),
  ]
  await aWhile()
  own.abort('changed my mind')
  for (const promise of queued) expect(await reasonOf(promise)).toBe('changed my mind')
  expect(seen.every(({ done, total }) => done === 0 && total === 0)).toBe(true)
  expect(picture(index)).toBe(before)

  stop.abort()
  for (const promise of busy) expect(await reasonOf(promise)).toBe(stop.signal.reason)
  expect((await index.search(queries)).toJSON()).toEqual(index.searchSync(queries).toJSON())
  expect((await index.fit(points)).size).toBe(200)
})

it('one signal stops many calls, and nothing of it stays', async () => {
  const stop = new AbortController()
  const options = { signal: stop.signal }
  const index = coarse()
  const running = [knn(many, many, options), index.search(many, options), index.predict(many, options), new SRP(heavy).fit(many, options)]
  await aWhile()
  stop.abort()
  for (const promise of running) expect(await reasonOf(promise)).toBe(stop.signal.reason)
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
})

it('aborted after the end: nothing', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const add = vi.spyOn(signal, 'addEventListener')
  const remove = vi.spyOn(signal, 'removeEventListener')
  const index = await new SRP(5, 4).fit(points, { signal })
  const found = await index.search(queries, { signal })
  await index.predict(queries, { signal })
  await index.storeVecs(queries, { signal })
  await index.evaluate(queries, { signal })
  await knn(points, queries, { signal })
  await cdist(points, queries, { signal })
  await index.fit([[0]] as number[][], { signal }).catch(() => {})
  expect(remove).toHaveBeenCalledTimes(add.mock.calls.length)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  controller.abort()
  expect(index.size).toBe(210)
  expect(found.length).toBe(10)
  expect(index.searchSync(queries).length).toBe(10)
})

it('a call that is wrong rejects with its own error, aborted later or not', async () => {
  const controller = new AbortController()
  const wrong = new SRP(5, 4).fit([[NaN]], { signal: controller.signal })
  controller.abort()
  await expect(wrong).rejects.toHaveProperty('name')
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
})

it('aborted just as it ends: either way the outcome and the index agree', async () => {
  for (let round = 0; round < 60; round++) {
    const index = new SRP(8, 10).fitSync(points)
    const controller = new AbortController()
    const fitting = index.fit(many.data.subarray(0, 4000 * DIM), { signal: controller.signal })
    const turns = round % 12
    for (let i = 0; i < turns; i++) await new Promise(setImmediate)
    controller.abort()
    const fulfilled = await fitting.then(
      () => true,
      () => false,
    )
    // Waits for a change that was stopped but has not noticed yet.
    const id = index.storeVec(queries[0]!)
    expect(id).toBe(fulfilled ? 4000 : 200)
  }
})

it('a signal of another kind will do: aborted, reason and listeners are all that is asked of it', async () => {
  const listeners = new Set<() => void>()
  const signal = {
    aborted: false,
    reason: 'by hand',
    addEventListener: (_: string, listener: () => void) => void listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => void listeners.delete(listener),
  }
  const running = knn(many, many, { signal: signal as unknown as AbortSignal })
  expect(listeners.size).toBe(1)
  for (const listener of listeners) listener()
  expect(await reasonOf(running)).toBe('by hand')
  expect(listeners.size).toBe(0)
  signal.aborted = true
  expect(await reasonOf(knn(points, queries, { signal: signal as unknown as AbortSignal }))).toBe('by hand')
})

it('cancelled calls leave no thread behind: a hundred of them, and the next call still runs', async () => {
  for (let round = 0; round < 100; round++) {
    const controller = new AbortController()
    const running = knn(many, many, { signal: controller.signal })
    controller.abort()
    expect(await reasonOf(running)).toBe(controller.signal.reason)
  }
  expect((await knn(points, queries, { k: 1 })).length).toBe(10)
})
