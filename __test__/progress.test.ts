import { L2, SRP, type LshIndex, type Progress } from 'nearhash'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { integers, matrixOf, normal, rowsOf } from './support/random.js'

const DIM = 32
const points = rowsOf(200, DIM, normal(81))
/** With these many hashes, work of a second or so. */
const many = matrixOf(40_000, DIM, integers(82, 100))
const heavy = { nProjections: 64, nHashTables: 300 }

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each([
  ['fit of SRP', () => new SRP(heavy), 'fit'],
  ['fit of L2', () => new L2({ ...heavy, r: 50 }), 'fit'],
  ['fit that chooses its parameters', () => new L2({ nHashTables: 300 }), 'fit'],
  ['storeVecs', () => new SRP(heavy).fitSync(points), 'storeVecs'],
] as [string, () => LshIndex, 'fit' | 'storeVecs'][])('onProgress of %s', (_name, make, call) => {
  it('tells stages, grows within each, and ends with all of the last one done', async () => {
    const seen: Progress[] = []
    const onProgress = (progress: Progress) => void seen.push(progress)
    const running: Promise<unknown> = make()[call](many, { onProgress })
    expect(seen).toEqual([])
    await running
    expect(seen.length).toBeGreaterThan(1)
    for (const [i, { stage, done, total }] of seen.entries()) {
      expect(stage).toEqual(expect.any(String))
      expect(Number.isInteger(done) && Number.isInteger(total)).toBe(true)
      expect(done).toBeGreaterThanOrEqual(0)
      expect(done).toBeLessThanOrEqual(total)
      const before = seen[i - 1]
      if (before?.stage === stage) {
        expect(done).toBeGreaterThanOrEqual(before.done)
        expect(total).toBe(before.total)
      }
    }
    // A stage that is over does not come again.
    const stages = seen.map(({ stage }) => stage).filter((stage, i, all) => stage !== all[i - 1])
    expect(new Set(stages).size).toBe(stages.length)
    const last = seen.at(-1)!
    expect(last.total).toBeGreaterThan(0)
    expect(last.done).toBe(last.total)
    expect(last.stage).not.toBe('')

    const count = seen.length
    await new Promise((resolve) => setTimeout(resolve, 120))
    expect(seen.length).toBe(count)
  })

  it('that throws stops the work and rejects with what it threw', async () => {
    const index = make()
    const [size, reason] = [index.size, new TypeError('from the callback')]
    let calls = 0
    const onProgress = () => {
      calls++
      throw reason
    }
    await expect(index[call](many, { onProgress })).rejects.toBe(reason)
    expect(calls).toBe(1)
    expect(index.size).toBe(size)
    await index.fit(points)
    expect(index.size).toBe(200)
  })
})

it('onProgress is called once, when all is done, by work that is over in no time', async () => {
  for (const index of [new SRP(3, 4), new L2(3, 4, { r: 2 })]) {
    const onProgress = vi.fn<(progress: Progress) => void>()
    await index.fit(points, { onProgress })
    expect(onProgress).toHaveBeenCalledTimes(1)
    const [{ done, total }] = onProgress.mock.lastCall!
    expect(done).toBe(total)
    await index.storeVecs(points.slice(0, 3), { onProgress })
    expect(onProgress).toHaveBeenCalledTimes(2)
    const [last] = onProgress.mock.lastCall!
    expect(last.done).toBe(last.total)
  }
})

it('onProgress that throws in its last call rejects, though the work is done', async () => {
  const index = new SRP(3, 4)
  const reason = new Error('at the end')
  await expect(
    index.fit(points, {
      onProgress: () => {
        throw reason
      },
    }),
  ).rejects.toBe(reason)
  expect(index.size).toBe(200)
})

it('onProgress may make calls of its own, also on the same index', async () => {
  const index = new SRP(heavy).fitSync(points)
  const codes = new Set<unknown>()
  const sizes = new Set<number>()
  await index.fit(many, {
    onProgress: ({ done, total }) => {
      sizes.add(index.searchSync(points.slice(0, 3)).length)
      if (total === 0 || done < total) sizes.add(index.size)
      index.fit(points).catch((error: { code: string }) => codes.add(error.code))
    },
  })
  expect(sizes).toContain(3)
  expect(sizes).toContain(200)
  await new Promise(setImmediate)
  expect(codes).toEqual(new Set(['ERR_NEARHASH_BUSY']))
})

it('a call without onProgress starts no timer, one with it stops its own', async () => {
  const set = vi.spyOn(globalThis, 'setInterval')
  const clear = vi.spyOn(globalThis, 'clearInterval')
  const index = new SRP(3, 4)
  await index.fit(points)
  await index.fit(points, {})
  await index.fit(points, { signal: new AbortController().signal })
  await index.storeVecs(points)
  await index.search(points)
  await index.predict(points)
  expect(set).not.toHaveBeenCalled()

  await index.fit(points, { onProgress: () => {} })
  await index.fit([[NaN]], { onProgress: () => {} }).catch(() => {})
  const stop = new AbortController()
  const running = new SRP(heavy).fit(many, { onProgress: () => {}, signal: stop.signal })
  stop.abort()
  await expect(running).rejects.toBe(stop.signal.reason)
  for (const { value } of set.mock.results) expect(clear.mock.calls.map(([timer]) => timer)).toContain(value)
})
