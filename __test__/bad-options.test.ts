// Options and arguments that are not vectors: wrong ones are refused with what is allowed, edges are taken.

import { cdist, cdistSync, configure, knn, knnSync, L2, runtime, SRP, type LshIndex, type LshOptions } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { refusal, rejection } from './support/errors.js'
import { normal, rowsOf } from './support/random.js'

const points = rowsOf(40, 3, normal(41))
const ARGUMENT = 'ERR_NEARHASH_ARGUMENT'

/** No integer from 1 up. */
const NO_COUNT: unknown[] = [0, -1, 1.5, NaN, Infinity, -Infinity, '5', null, true, 5n, {}, [5], () => 5]

describe('constructor options', () => {
  const integers: [name: string, unknown[], allowed: string][] = [
    ['nProjections', [...NO_COUNT, 65, 2 ** 32 + 1], 'an integer from 1 to 64'],
    ['nHashTables', [...NO_COUNT, 10_001, 2 ** 32 + 1], 'an integer from 1 to 10000'],
    ['bucketSize', [...NO_COUNT, 2 ** 32], 'an integer from 1 to 4294967294'],
    ['dim', [...NO_COUNT, 2 ** 20 + 1], 'an integer from 1 to 1048576'],
    ['seed', [-1, 1.5, NaN, Infinity, 2 ** 53, -(2 ** 53), '0', null, 0n, {}], 'an integer from 0 to 9007199254740991'],
  ]
  it.each(integers)('%s has a range', (name, values, allowed) => {
    for (const value of values) {
      for (const Index of [SRP, L2]) {
        expect(refusal(() => new Index({ [name]: value }))).toMatchObject({ code: ARGUMENT, argument: name, allowed })
      }
    }
  })

  it.each([0, -0, -4, NaN, Infinity, -Infinity, 1e31, 1e-31, Number.MIN_VALUE, Number.MAX_VALUE, '4', null, 4n, [4]])(
    'r = %s is no bucket width',
    (r) => {
      const error = refusal(() => new L2({ r: r as number }))
      expect(error).toMatchObject({ code: ARGUMENT, argument: 'r' })
    },
  )

  it('take their edges, and undefined for left out', () => {
    const nothing = { nProjections: undefined, nHashTables: undefined, bucketSize: undefined, dim: undefined, seed: undefined }
    const edges: LshOptions[] = [
      { nProjections: 1, nHashTables: 1, dim: 1, seed: 0 },
      { nProjections: 64, nHashTables: 10_000, dim: 2 ** 20, seed: 2 ** 53 - 1 },
      { bucketSize: 1 },
      { bucketSize: 2 ** 32 - 2 },
      nothing as object,
    ]
    for (const options of edges) {
      expect(new SRP(options).describe().seed).toBe(options.seed ?? 0)
      expect(new L2({ ...options, r: 1e30 }).describe().seed).toBe(options.seed ?? 0)
    }
    for (const r of [1e-30, 0.1, 1e30]) expect(new L2({ r }).r).toBe(r)
  })

  it('by position are checked alike', () => {
    expect(refusal(() => new SRP(65)).argument).toBe('nProjections')
    expect(refusal(() => new SRP(5, 0)).argument).toBe('nHashTables')
    expect(refusal(() => new L2(5, 5, { r: -1 })).argument).toBe('r')
    expect(refusal(() => new L2(NaN, 5)).argument).toBe('nProjections')
    expect(refusal(() => new SRP(5, 5, { nProjections: 6 } as object)).received).toContain('nProjections')
    expect(refusal(() => new SRP(5, 5, null as unknown as object)).argument).toBe('options')
    expect(refusal(() => new SRP(5, '5' as unknown as number)).argument).toBe('nHashTables')
    const three = [{ nProjections: 5 }, 5] as unknown as [object]
    expect(refusal(() => new SRP(...three))).toMatchObject({ argument: 'options', allowed: 'one options object' })
  })

  it('are one object', () => {
    for (const options of [null, '5', true, 5n, [], () => 5, Symbol('5')]) {
      expect(refusal(() => new SRP(options as object))).toMatchObject({ code: ARGUMENT, argument: 'options' })
    }
  })

  it('that are mistyped are refused with what was meant', () => {
    const typed: [key: string, meant: string][] = [
      ['n_projections', 'nProjections'],
      ['nprojections', 'nProjections'],
      ['projections', 'nProjections'],
      ['nHashtables', 'nHashTables'],
      ['n_hash_tables', 'nHashTables'],
      ['bucketsize', 'bucketSize'],
      ['sed', 'seed'],
      ['dims', 'dim'],
    ]
    for (const [key, meant] of typed) {
      const error = refusal(() => new L2({ [key]: 5 }))
      expect(error).toMatchObject({ code: ARGUMENT, argument: 'options', received: `the unknown key "${key}"` })
      expect(error.allowed).toContain(`did you mean "${meant}"?`)
    }
    expect(refusal(() => new L2({ completelyDifferent: 1 } as object)).allowed).not.toContain('did you mean')
    expect(refusal(() => new SRP({ r: 4 } as object)).received).toBe('the unknown key "r"')
  })

  it('bucketSize stands in place of nProjections', () => {
    expect(refusal(() => new SRP({ bucketSize: 5, nProjections: 5 }))).toMatchObject({ argument: 'bucketSize', allowed: 'one of the two' })
    expect(refusal(() => new SRP(5, 5, { bucketSize: 5 })).argument).toBe('bucketSize')
  })

  it('are read once and not kept', () => {
    const options = Object.freeze({ nProjections: 3, nHashTables: 2, seed: 1 })
    const index = new SRP(options)
    expect(index.describe()).toMatchObject(options)
    const open = { nProjections: 3, nHashTables: 2 }
    const other = new SRP(open)
    open.nProjections = 9
    expect(other.nProjections).toBe(3)
    expect(open).toEqual({ nProjections: 9, nHashTables: 2 })
  })

  it('cannot be called without new', () => {
    expect(() => (SRP as unknown as (k: number) => unknown)(5)).toThrow(TypeError)
  })
})

describe.each([
  ['SRP', () => new SRP(3, 4).fitSync(points)],
  ['L2', () => new L2(3, 4, { r: 2 }).fitSync(points)],
] as [string, () => LshIndex][])('%s', (_name, fitted) => {
  it.each([...NO_COUNT, 2 ** 32 - 1])('%s is no k and no topK', async (value) => {
    const index = fitted()
    const count = value as number
    const calls: [string, () => unknown, () => Promise<unknown>][] = [
      ['k', () => index.searchSync(points, { k: count }), () => index.search(points, { k: count })],
      ['k', () => index.evaluateSync(points, { k: count }), () => index.evaluate(points, { k: count })],
      ['topK', () => index.predictSync(points, { topK: count }), () => index.predict(points, { topK: count })],
      ['bound', () => index.predictSync(points, { bound: count }), () => index.predict(points, { bound: count })],
    ]
    for (const [argument, sync, promised] of calls) {
      for (const error of [refusal(sync), await rejection(promised)]) {
        expect(error).toMatchObject({ code: ARGUMENT, argument, allowed: 'an integer from 1 to 4294967294' })
      }
    }
  })

  it.each([-1, 1.5, NaN, Infinity, 1_000_001, '5', null, undefined])('%s is no budget', (budget) => {
    const index = fitted().multiProbe(2)
    expect(refusal(() => index.multiProbe(budget as number))).toMatchObject({
      code: ARGUMENT,
      argument: 'budget',
      allowed: 'an integer from 0 to 1000000',
    })
    expect(index.describe().probing).toEqual({ kind: 'multi-probe', budget: 2 })
  })

  it.each([0, 1, 'yes', null, {}])('onlyIndex = %s is neither true nor false', (onlyIndex) => {
    expect(refusal(() => fitted().predictSync(points, { onlyIndex: onlyIndex as boolean }))).toMatchObject({
      code: ARGUMENT,
      argument: 'onlyIndex',
      allowed: 'true or false',
    })
  })

  it('more neighbours than points are the points', () => {
    const index = fitted().multiProbe(1_000_000)
    const nearby = points.map((point) => index.queryBucketIdx(point).length)
    for (const k of [40, 41, 5000]) {
      const found = index.searchSync(points, { k })
      expect(found.counts).toEqual(Uint32Array.from(nearby))
      expect([found.k, found.ids.length]).toEqual([k, 40 * k])
    }
    expect(index.predictSync(points[0]!, { topK: 2 ** 32 - 2 })[0]!.index).toHaveLength(nearby[0]!)
    expect(knnSync(points, points, { k: 41 }).counts).toEqual(new Uint32Array(40).fill(40))
  })

  it('mistyped and misplaced keys are refused by every call', async () => {
    const index = fitted()
    const keys = (options: object) => options as never
    for (const [error, meant] of [
      [refusal(() => index.predictSync(points, keys({ top_k: 5 }))), 'topK'],
      [await rejection(() => index.predict(points, keys({ only_index: true }))), 'onlyIndex'],
      [await rejection(() => index.search(points, keys({ K: 5 }))), 'k'],
      [await rejection(() => index.fit(points, keys({ progress: () => {} }))), 'onProgress'],
      [await rejection(() => index.storeVecs(points, keys({ Signal: undefined }))), 'signal'],
      [await rejection(() => cdist(points, points, keys({ metrics: 'cosine' }))), 'metric'],
      [refusal(() => knnSync(points, points, keys({ metrik: 'cosine' }))), 'metric'],
    ] as const) {
      expect(error).toMatchObject({ code: ARGUMENT, argument: 'options' })
      expect(error.allowed).toContain(`did you mean "${meant}"?`)
    }
    expect(refusal(() => index.searchSync(points, keys({ topK: 5 }))).received).toBe('the unknown key "topK"')
    expect(refusal(() => index.searchSync(points, keys({ signal: AbortSignal.abort() }))).received).toBe('the unknown key "signal"')
    for (const options of [null, 5, 'k', [], true, () => 5]) {
      expect((await rejection(() => index.search(points, options as never))).argument).toBe('options')
      expect(refusal(() => index.predictSync(points, options as never)).argument).toBe('options')
      expect((await rejection(() => index.fit(points, options as never))).argument).toBe('options')
    }
  })

  it('what is no AbortSignal or no function is refused', async () => {
    const index = fitted()
    for (const signal of [null, 5, {}, 'abort', new AbortController(), () => {}, { aborted: false }]) {
      for (const call of [
        () => index.fit(points, { signal: signal as AbortSignal }),
        () => index.search(points, { signal: signal as AbortSignal }),
        () => knn(points, points, { signal: signal as AbortSignal }),
      ]) {
        expect(await rejection(call)).toMatchObject({ code: ARGUMENT, argument: 'signal', allowed: 'an AbortSignal' })
      }
    }
    for (const onProgress of [null, 5, {}, 'log']) {
      const error = await rejection(() => index.fit(points, { onProgress: onProgress as never }))
      expect(error).toMatchObject({ code: ARGUMENT, argument: 'onProgress', allowed: 'a function' })
    }
  })
})

describe('extreme parameters still answer', () => {
  it.each([
    ['k = 64', () => new SRP({ nProjections: 64, nHashTables: 2 })],
    ['k = 64', () => new L2({ nProjections: 64, nHashTables: 2, r: 1 })],
    ['L = 10,000', () => new SRP({ nProjections: 1, nHashTables: 10_000 })],
    ['L = 10,000', () => new L2({ nProjections: 1, nHashTables: 10_000, r: 1 })],
    ['r = 1e30', () => new L2({ nProjections: 3, nHashTables: 2, r: 1e30 })],
    ['r = 1e-30', () => new L2({ nProjections: 3, nHashTables: 2, r: 1e-30 })],
    ['seed = 2^53 - 1', () => new SRP({ nProjections: 3, nHashTables: 2, seed: 2 ** 53 - 1 })],
  ] as [string, () => LshIndex][])('%s', (_name, make) => {
    const index = make().multiProbe(3).fitSync(points)
    const { ids, distances } = index.searchSync(points, { k: 1 })
    expect(ids).toEqual(Uint32Array.from(points.keys()))
    expect(distances).toEqual(new Float32Array(40))
    expect(index.storeVec(points[0]!)).toBe(40)
    expect(index.deleteVec(points[0]!)).toBe(2)
  })

  it('a huge r puts all points together, a tiny one only equal ones', () => {
    const wide = new L2({ nProjections: 1, nHashTables: 20, r: 1e30 }).fitSync(points)
    expect(wide.queryBucketIdx(points[0]!)).toHaveLength(40)
    const narrow = new L2({ nProjections: 2, nHashTables: 20, r: 1e-5 }).fitSync([...points, points[0]!])
    expect(narrow.queryBucketIdx(points[0]!)).toEqual(Uint32Array.of(0, 40))
  })

  it('different seeds give different hashes, up to the last one', () => {
    const hashes = [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 2, 2 ** 53 - 1].map((seed) =>
      new SRP({ nProjections: 64, nHashTables: 4, dim: 3, seed }).hash(points).data.join(''),
    )
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it('the largest budget is not too much', () => {
    for (const index of [new SRP(20, 3).fitSync(points), new L2(20, 3, { r: 0.1 }).fitSync(points)]) {
      expect(index.multiProbe(1_000_000).predictSync(points[0]!, { topK: 40 })[0]!.index[0]).toBe(0)
    }
  })
})

describe('results too large for a typed array', () => {
  it('are refused before memory is asked for', async () => {
    const index = new SRP(3, 4).fitSync(points)
    const many = { data: new Uint8Array(70_000).fill(1), shape: [70_000, 1] } as const
    for (const error of [
      refusal(() => index.searchSync(points, { k: 2 ** 32 - 2 })),
      await rejection(() => index.search(points, { k: 2 ** 31 })),
      refusal(() => knnSync(points, points, { k: 2 ** 32 - 2 })),
      refusal(() => index.searchSync(points[0]!, { k: 2 ** 31 })),
    ]) {
      expect(error).toMatchObject({ code: ARGUMENT, argument: 'k' })
    }
    expect(refusal(() => cdistSync(many, many))).toMatchObject({ code: ARGUMENT, argument: 'a' })
  })
})

describe('configure', () => {
  it('sets the number of threads, and nothing else', () => {
    const before = runtime()
    configure({ threads: 3 })
    expect(runtime()).toEqual({ ...before, threads: 3 })
    configure({})
    expect(runtime().threads).toBe(3)
    configure({ threads: 1 })
    expect(new SRP(3, 4).fitSync(points).searchSync(points)).toEqual(new SRP(3, 4).fitSync(points).searchSync(points))
    configure({ threads: before.threads })
  })

  it.each([...NO_COUNT, 1025])('threads = %s is refused', (threads) => {
    const before = runtime()
    expect(refusal(() => configure({ threads: threads as number }))).toMatchObject({
      code: ARGUMENT,
      argument: 'threads',
      allowed: 'an integer from 1 to 1024',
    })
    expect(refusal(() => configure({ thread: 5 } as object)).allowed).toContain('did you mean "threads"?')
    expect(refusal(() => configure(null as never)).argument).toBe('options')
    expect(runtime()).toEqual(before)
  })
})
