// Options of Index and of its searches: wrong ones are refused with what is allowed, edges are taken.

import { inspect } from 'node:util'
import { Index, knnSync, L2, SRP, type Filter } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { refusal, rejection } from './support/errors.js'
import { normal, rowsOf } from './support/random.js'

const ARGUMENT = 'ERR_NEARHASH_ARGUMENT'
const points = rowsOf(300, 4, normal(331))
const query = Float32Array.from(points[0]!)
const fitted = new Index().fitSync(points)

/** No integer from 1 up. */
const NO_COUNT: unknown[] = [0, -1, 1.5, NaN, Infinity, -Infinity, '5', null, true, 5n, {}, [5], () => 5]
/** No share above 0. */
const NO_RECALL: unknown[] = [0, -0, -0.5, 1.000001, 95, NaN, Infinity, '0.9', null, true, {}, [0.9]]

describe('constructor options', () => {
  const wrong: [name: string, unknown[], allowed: string][] = [
    ['metric', ['cosinus', 'Euclidean', '', null, 5, {}], '"euclidean" or "cosine"'],
    ['dim', [...NO_COUNT, 2 ** 20 + 1], 'an integer from 1 to 1048576'],
    ['recall', NO_RECALL, 'a number above 0 to 1'],
    ['k', [...NO_COUNT, 2 ** 32 - 1], 'an integer from 1 to 4294967294'],
    ['settle', [-1, 0.5, NaN, 65, '1', null, true], 'an integer from 0 to 64'],
    ['seed', [-1, 1.5, NaN, 2 ** 53, '0', null, 0n], 'an integer from 0 to 9007199254740991'],
  ]
  it.each(wrong)('%s has a range', (name, values, allowed) => {
    for (const value of values) {
      expect(refusal(() => new Index({ [name]: value }))).toMatchObject({ code: ARGUMENT, argument: name, allowed })
    }
  })

  it('take their edges, and undefined for left out', () => {
    const nothing = { metric: undefined, dim: undefined, recall: undefined, k: undefined, settle: undefined, seed: undefined }
    for (const options of [
      undefined,
      {},
      nothing as object,
      { recall: 1, k: 1, settle: 0, seed: 0 },
      { recall: 0.01, k: 1000, settle: 2, seed: 2 ** 53 - 1 },
      { metric: 'cosine' as const, dim: 4 },
    ]) {
      const index = new Index(options).fitSync(points)
      expect(index.searchSync(query, { recall: 1, k: 1 }).ids[0]).toBe(0)
      expect(index.size).toBe(300)
    }
    expect(new Index({ dim: 2 ** 20 }).dim).toBe(2 ** 20)
  })

  it('say what the index is', () => {
    expect([new Index().k, new Index({ k: 3 }).k]).toEqual([10, 3])
    const three = new Index({ k: 3 }).fitSync(points)
    expect([three.searchSync(query).k, three.searchSync(points).k, three.searchSync(query, { k: 5 }).k]).toEqual([3, 3, 5])
    expect([new Index().metric, new Index().recall, new Index().dim]).toEqual(['euclidean', 0.95, undefined])
    expect([new Index({ metric: 'cosine', recall: 0.8, dim: 3 }).metric, new Index({ recall: 0.8 }).recall]).toEqual(['cosine', 0.8])
  })

  it('are one object, whose keys are known', () => {
    for (const options of [null, '5', true, [], () => 5]) {
      expect(refusal(() => new Index(options as object))).toMatchObject({ code: ARGUMENT, argument: 'options' })
    }
    expect(refusal(() => new Index({ rounds: 3 } as object)).received).toBe('the unknown key "rounds"')
    expect(refusal(() => new Index({ Recall: 0.9 } as object)).allowed).toContain('did you mean "recall"?')
    expect(refusal(() => new Index({ r: 4 } as object)).received).toBe('the unknown key "r"')
  })
})

describe('search options', () => {
  const wrong: [name: string, unknown[]][] = [
    ['k', [...NO_COUNT, 2 ** 32 - 1]],
    ['recall', NO_RECALL],
    ['probes', [...NO_COUNT, 2 ** 32 - 1]],
  ]
  it.each(wrong)('%s has a range in every call that takes it', async (name, values) => {
    for (const value of values) {
      const options = { [name]: value } as object
      const errors = [
        refusal(() => fitted.searchSync(query, options)),
        refusal(() => fitted.searchSync(points, options)),
        refusal(() => fitted.evaluateSync(points, options)),
        await rejection(() => fitted.search(query, options)),
        await rejection(() => fitted.evaluate(points, options)),
      ]
      for (const error of errors) expect(error).toMatchObject({ code: ARGUMENT, argument: name })
    }
  })

  it('recall and probes exclude each other', async () => {
    const options = { recall: 0.9, probes: 3 }
    const expected = { code: ARGUMENT, argument: 'probes', received: '3 beside recall', allowed: 'one of the two' }
    expect(refusal(() => fitted.searchSync(query, options))).toMatchObject(expected)
    expect(await rejection(() => fitted.search(query, options))).toMatchObject(expected)
    expect(refusal(() => fitted.evaluateSync(points, options))).toMatchObject(expected)
  })

  const FILTERS: [name: string, filter: unknown, argument: string, received: string][] = [
    ['null', null, 'filter', 'null'],
    ['an array of ids', [1, 2], 'filter', 'an array of length 2'],
    ['a function', () => true, 'filter', 'a function'],
    ['neither', {}, 'filter', 'neither allow nor deny'],
    ['both', { allow: [1], deny: [2] }, 'filter', 'both allow and deny'],
    ['another key', { only: [1] }, 'filter', 'the unknown key "only"'],
    ['text', { allow: '1,2' }, 'filter.allow', '"1,2"'],
    ['a Set', { deny: new Set([1]) }, 'filter.deny', 'a Set'],
    ['ids in another type', { allow: new Int32Array(3) }, 'filter.allow', 'an Int32Array'],
    ['a negative id', { allow: [1, -1] }, 'filter.allow', '-1 at place 1'],
    ['a fraction', { deny: [0.5] }, 'filter.deny', '0.5 at place 0'],
    ['an id beyond 32 bits', { allow: [2 ** 32] }, 'filter.allow', '4294967296 at place 0'],
    ['NaN', { allow: [1, 2, NaN] }, 'filter.allow', 'NaN at place 2'],
    ['a hole', { allow: [1, , 2] }, 'filter.allow', 'undefined at place 1'],
    ['a detached array', { allow: detached() }, 'filter.allow', 'an array whose buffer is detached'],
  ]
  it.each(FILTERS)('a filter of %s is refused', async (_name, filter, argument, received) => {
    const options = { filter: filter as Filter }
    for (const index of [fitted, new SRP().fitSync(points), new L2().fitSync(points)]) {
      expect(refusal(() => index.searchSync(query, options))).toMatchObject({ code: ARGUMENT, argument, received })
      expect(await rejection(() => index.search(points, options))).toMatchObject({ argument, received })
      expect(refusal(() => index.evaluateSync(points, options))).toMatchObject({ argument, received })
    }
  })

  it('a filter may name ids that no point has, twice, in any order, and none', () => {
    const ids = (filter: Filter) => Array.from(fitted.searchSync(query, { filter, k: 5, recall: 1 }).at(0).ids)
    expect(ids({ allow: [4_000_000_000, 7, 7, 3] }).sort()).toEqual([3, 7])
    expect(ids({ allow: new Uint32Array(0) })).toEqual([])
    expect(ids({ allow: new Uint8Array(0) })).toEqual([])
    const all = Array.from(knnSync(points, query, { k: 5 }).ids)
    expect(ids({ deny: [] })).toEqual(all)
    expect(ids({ deny: Uint32Array.of(2 ** 32 - 1) })).toEqual(all)
    // Bit 3 of byte 0.
    expect(ids({ allow: Uint8Array.of(0b1000) })).toEqual([3])
  })

  it('a filter is read when the call is made, shared memory included', async () => {
    for (const ids of [Uint32Array.of(3), new Uint32Array(new SharedArrayBuffer(4)).fill(3)]) {
      const searching = fitted.search(query, { filter: { allow: ids } })
      ids[0] = 9
      expect(Array.from((await searching).at(0).ids)).toEqual([3])
    }
  })

  it('are taken as they are at the call, wherever the object has them from', () => {
    const ids = (options: object) => Array.from(fitted.searchSync(query, options).at(0).ids)
    const allow = { allow: [3] }
    class Asked {
      get filter(): Filter {
        return allow
      }
    }
    expect(ids(new Asked())).toEqual([3])
    expect(ids(Object.create({ filter: allow }) as object)).toEqual([3])
    expect(ids(Object.create({ k: 2, unknown: 1 }) as object)).toHaveLength(2)
    expect(ids(Object.assign(Object.create(null) as object, { k: 2, recall: 1 }))).toHaveLength(2)
    expect(refusal(() => ids(Object.create({ probes: 0 }) as object)).argument).toBe('probes')
    expect(refusal(() => ids(Object.create({ k: 0 }) as object)).argument).toBe('k')

    const changing: Record<string, unknown> = { k: 2 }
    expect(ids(changing)).toHaveLength(2)
    changing['k'] = 3
    expect(ids(changing)).toHaveLength(3)
    changing['filter'] = allow
    expect(ids(changing)).toEqual([3])
    changing['topK'] = 1
    expect(refusal(() => ids(changing)).received).toBe('the unknown key "topK"')
  })

  it('may search themselves while they are read', () => {
    const other = Float32Array.from(points[9]!)
    const options = {
      get k() {
        return fitted.searchSync(other, { k: 1 }).ids[0] === 9 ? 2 : 0
      },
      get recall() {
        return fitted.searchSync(other).k / 10
      },
    }
    expect(fitted.searchSync(query, options)).toEqual(fitted.searchSync(query, { k: 2, recall: 1 }))
    expect(fitted.searchSync([query], options)).toEqual(fitted.searchSync(query, { k: 2, recall: 1 }))
  })

  it('unknown keys are refused', async () => {
    expect(refusal(() => fitted.searchSync(query, { topK: 3 } as object)).received).toBe('the unknown key "topK"')
    expect((await rejection(() => fitted.search(query, { probe: 3 } as object))).allowed).toContain('did you mean "probes"?')
    expect(refusal(() => fitted.searchSync(query, { signal: AbortSignal.abort() } as object)).received).toBe('the unknown key "signal"')
  })
})

function detached(): Uint32Array {
  const array = new Uint32Array(4)
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}

describe('an index in print', () => {
  it('is short', () => {
    expect(inspect(new Index())).toBe("Index { size: 0, metric: 'euclidean', recall: 0.95 }")
    expect(inspect(fitted)).toBe("Index { size: 300, dim: 4, metric: 'euclidean', recall: 0.95 }")
    const disposed = new Index()
    disposed.dispose()
    expect(inspect(disposed)).toBe('Index { disposed: true }')
  })
})
