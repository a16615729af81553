// One query in a typed array goes its own way, through memory that both sides know. Whatever it gives must be what the
// way of all other queries gives.

import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { L2, SRP, type LshIndex, type Neighbors, type NumericArray } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { binding } from './support/binding.js'
import { refusal } from './support/errors.js'
import { integers, matrixOf, normal, rowsOf } from './support/random.js'

/** The same query by the way that takes matrices. */
function general(index: LshIndex, query: NumericArray, k?: number): Neighbors {
  return index.searchSync({ data: query, shape: [1, query.length] }, k === undefined ? {} : { k })
}

const dim = 24
const points = matrixOf(400, dim, integers(201, 120))
const kinds: [string, () => LshIndex][] = [
  ['SRP', () => new SRP(3, 4)],
  ['L2', () => new L2(3, 4, { r: 200 })],
]

describe.each(kinds)('%s', (_name, make) => {
  const index = make().fitSync(points)

  it.each([Float32Array, Float64Array, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array])(
    'answers one query in a %o as it answers a matrix',
    (Values) => {
      for (const row of rowsOf(40, dim, integers(202, 120))) {
        const query = Values.from(row)
        expect(index.searchSync(query)).toEqual(general(index, query))
        expect(index.searchSync(query, { k: 3 })).toEqual(general(index, Float32Array.from(row), 3))
      }
    },
  )

  it.each([1, 15, 16, 17, 100, 400, 401, 1023, 1024, 1025, 3000])('k = %i: as many places, zeros behind the last neighbour', (k) => {
    const query = points.data.slice(0, dim)
    // What an answer before has left behind must not show.
    index.searchSync(points.data.slice(dim, 2 * dim), { k: 1024 })
    const found = index.searchSync(query, { k })
    expect(found).toEqual(general(index, query, k))
    expect([found.length, found.k, found.ids.length, found.distances.length]).toEqual([1, k, k, k])
    expect(found.ids.subarray(found.counts[0]).every((id) => id === 0)).toBe(true)
    expect(found.distances.subarray(found.counts[0]).every((distance) => distance === 0)).toBe(true)
  })

  it('gives answers that later calls leave alone, and that leave later calls alone', () => {
    const [a, b] = [points.data.slice(0, dim), points.data.slice(5 * dim, 6 * dim)]
    for (const k of [10, 50]) {
      const first = index.searchSync(a, { k })
      const expected = first.toJSON()
      const second = index.searchSync(b, { k })
      expect(first.toJSON()).toEqual(expected)
      second.ids.fill(7)
      second.distances.fill(7)
      expect(index.searchSync(a, { k }).toJSON()).toEqual(expected)
      expect(a).toEqual(points.data.slice(0, dim))
    }
  })

  it('takes views, shared memory and other probing', () => {
    const whole = new Float32Array(new SharedArrayBuffer(4 * 3 * dim))
    whole.set(points.data.subarray(0, 3 * dim))
    for (const budget of [0, 5]) {
      index.multiProbe(budget)
      expect(index.searchSync(whole.subarray(dim, 2 * dim))).toEqual(general(index, points.data.slice(dim, 2 * dim)))
    }
    index.multiProbe(0)
  })

  it('takes a flat array of several vectors for what it is', () => {
    const three = points.data.slice(0, 3 * dim)
    expect(index.searchSync(three)).toEqual(index.searchSync({ data: three, shape: [3, dim] }))
  })

  it('tells what is wrong with a query as it does for a matrix', () => {
    const faulty: [NumericArray, string][] = [
      [new Float32Array(dim - 1).fill(1), 'ERR_NEARHASH_DIMENSION'],
      [new Uint8Array(dim + 1).fill(1), 'ERR_NEARHASH_DIMENSION'],
      [new Float32Array(dim).fill(Number.NaN), 'ERR_NEARHASH_NOT_FINITE'],
      [new Float64Array(dim).fill(1e300), 'ERR_NEARHASH_NOT_FINITE'],
      ...(_name === 'SRP' ? [[new Int16Array(dim), 'ERR_NEARHASH_ZERO_VECTOR'] as [NumericArray, string]] : []),
    ]
    for (const [query, code] of faulty) {
      const error = refusal(() => index.searchSync(query))
      expect(error.code).toBe(code)
      if (query.length === dim) expect(error.message).toBe(refusal(() => general(index, query)).message)
    }
    const detached = new Float32Array(dim)
    structuredClone(detached.buffer, { transfer: [detached.buffer] })
    expect(refusal(() => index.searchSync(detached)).received).toMatch(/detached/)
    for (const k of [0, -1, 1.5, '3' as unknown as number]) {
      expect(refusal(() => index.searchSync(points.data.slice(0, dim), { k })).argument).toBe('k')
    }
    expect(refusal(() => index.searchSync(points.data.slice(0, dim), { limit: 3 } as object)).argument).toBe('options')
  })

  it('follows every change of the points', () => {
    const changing = make().fitSync(points)
    const query = new Float32Array(dim).fill(1000)
    const id = changing.storeVec(query)
    expect(changing.searchSync(query, { k: 1 }).ids[0]).toBe(id)
    changing.deleteVec(id)
    expect(Array.from(changing.searchSync(query).ids)).not.toContain(id)
    changing.reset()
    expect(refusal(() => changing.searchSync(query)).code).toBe('ERR_NEARHASH_NOT_FITTED')
    changing.fitSync(points)
    expect(changing.searchSync(points.data.slice(0, dim), { k: 1 }).distances[0]).toBe(0)
    changing.dispose()
    expect(refusal(() => changing.searchSync(query)).code).toBe('ERR_NEARHASH_DISPOSED')
  })

  it('serves several indexes in turns', () => {
    const other = make().fitSync(matrixOf(100, 7, normal(203)))
    const query = Float32Array.from({ length: 7 }, normal(204))
    const [mine, theirs] = [general(index, points.data.slice(0, dim)), general(other, query)]
    for (let turn = 0; turn < 3; turn++) {
      expect(index.searchSync(points.data.slice(0, dim))).toEqual(mine)
      expect(other.searchSync(query)).toEqual(theirs)
    }
  })
})

it('equals the general way for any length, type and k', () => {
  const lengths = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(4095, 4096, 4097))
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 40 }), fc.integer(), fc.constantFrom(Float32Array, Uint8Array, Int16Array), (length, k, seed, Values) => {
      const index = new L2({ nProjections: 1, nHashTables: 2, r: 300 }).fitSync(matrixOf(20, length, integers(seed, 50)))
      const query = Values.from(Array.from({ length }, integers(seed + 1, 50)))
      expect(index.searchSync(query, { k })).toEqual(general(index, query, k))
    }),
    { numRuns: 60 },
  )
})

it('is per thread: workers and this one search at once, each for itself', async () => {
  const workers = Array.from({ length: 4 }, (_, kind) => new Worker(new URL('programs/single-queries.mjs', import.meta.url), { workerData: { kind }, execArgv: [] }))
  const ended = workers.map(async (worker) => {
    const messages: unknown[] = []
    worker.on('message', (message) => messages.push(message))
    await once(worker, 'exit')
    return messages
  })
  const index = new L2(3, 4, { r: 200 }).fitSync(points)
  const expected = general(index, points.data.slice(0, dim))
  for (let round = 0; round < 20; round++) {
    for (let call = 0; call < 200; call++) expect(index.searchSync(points.data.slice(0, dim)).ids).toEqual(expected.ids)
    await new Promise(setImmediate)
  }
  expect(await Promise.all(ended)).toEqual(Array(4).fill(['all equal']))
})

it('keeps the scratch buffer as long as there is a function that needs it, and no longer', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 5; round++) {
      collect()
      await new Promise(setImmediate)
    }
  }
  const { bytes } = binding.scratchLayout()
  const native = new binding.LshIndex({ family: 'l2', nProjections: 1, nHashTables: 1, dim: 1, r: 1, seed: 0 })
  for (const wrong of [new ArrayBuffer(bytes - 1), new ArrayBuffer(0), new Uint8Array(bytes) as unknown as ArrayBuffer]) {
    expect(() => native.singleSearch(wrong)).toThrow(/expected an ArrayBuffer/)
  }
  const made: { buffer?: WeakRef<ArrayBuffer>; search?: (() => void) | undefined } = {}
  const make = (): void => {
    // Its own buffer, which nothing else refers to.
    const buffer = new ArrayBuffer(bytes)
    made.buffer = new WeakRef(buffer)
    made.search = native.singleSearch(buffer)
  }
  make()
  await settle()
  expect(made.buffer?.deref()).toBeInstanceOf(ArrayBuffer)
  made.search!()
  made.search = undefined
  await settle()
  expect(made.buffer?.deref()).toBeUndefined()
})
