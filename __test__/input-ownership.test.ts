// Numbers are read once, when the call is made. They are neither changed nor kept, whatever memory they lie in.

import { cdist, knn, knnSync, L2, SRP, type LshIndex, type Vectors } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { matrixOf, normal, rowsOf } from './support/random.js'

const points = rowsOf(500, 8, normal(51))
const queries = rowsOf(40, 8, normal(52))

describe.each([
  ['SRP', () => new SRP(4, 5)],
  ['L2', () => new L2(4, 5, { r: 4 })],
] as [string, () => LshIndex][])('%s', (_name, make) => {
  const expected = make().fitSync(points).searchSync(queries)

  describe('what is written to an array right after the call changes nothing', () => {
    /** Each spoils its numbers. */
    const forms: [string, (rows: number[][]) => { x: Vectors; spoil: () => void }][] = [
      [
        'float32 matrix',
        (rows) => {
          const data = Float32Array.from(rows.flat())
          return { x: { data, shape: [rows.length, 8] }, spoil: () => data.fill(NaN) }
        },
      ],
      [
        'float64 matrix',
        (rows) => {
          const data = Float64Array.from(rows.flat())
          return { x: { data, shape: [rows.length, 8] }, spoil: () => data.fill(NaN) }
        },
      ],
      [
        'shared memory',
        (rows) => {
          const data = new Float32Array(new SharedArrayBuffer(rows.length * 8 * 4))
          data.set(rows.flat())
          return { x: { data, shape: [rows.length, 8] }, spoil: () => data.fill(NaN) }
        },
      ],
      [
        'rows of numbers',
        (rows) => {
          const copy = rows.map((row) => [...row])
          return { x: copy, spoil: () => copy.forEach((row) => row.fill(NaN)) }
        },
      ],
      [
        'rows that leave',
        (rows) => {
          const copy = rows.map((row) => Float32Array.from(row))
          return { x: copy, spoil: () => void (copy.length = 0) }
        },
      ],
      [
        'memory that is taken away',
        (rows) => {
          const data = Float32Array.from(rows.flat())
          return { x: { data, shape: [rows.length, 8] }, spoil: () => void structuredClone(data.buffer, { transfer: [data.buffer] }) }
        },
      ],
    ]
    it.each(forms)('%s', async (_name, form) => {
      const index = make()
      const fitted = form(points)
      const fitting = index.fit(fitted.x)
      fitted.spoil()
      await fitting

      const asked = [1, 2, 3].map(() => form(queries))
      const searching = index.search(asked[0]!.x)
      const predicting = index.predict(asked[1]!.x)
      const evaluating = index.evaluate(asked[2]!.x)
      asked.forEach(({ spoil }) => spoil())
      expect(await searching).toEqual(expected)
      expect((await predicting)[0]!.index).toEqual(expected.at(0).ids.slice(0, 5))
      expect((await evaluating).recall).toBeGreaterThan(0)

      const stored = form(queries)
      const storing = index.storeVecs(stored.x)
      stored.spoil()
      await storing
      expect(index.getVec(500 + 39)).toEqual(Float32Array.from(queries[39]!))

      const [data, both] = [form(points), form(queries)]
      const exact = [knn(data.x, both.x), cdist(data.x, both.x)] as const
      data.spoil()
      both.spoil()
      expect(await exact[0]).toEqual(knnSync(points, queries))
      expect((await exact[1]).data.every(Number.isFinite)).toBe(true)
    })
  })

  it('frozen arrays are as good as others', async () => {
    const frozen = Object.freeze(points.map((row) => Object.freeze([...row])))
    const index = await make().fit(frozen)
    expect(index.searchSync(Object.freeze(queries.map((row) => Object.freeze([...row]))))).toEqual(expected)
    const shape = Object.freeze([500, 8] as const)
    const matrix = Object.freeze({ data: Object.freeze(points.flat()), shape })
    expect(make().fitSync(matrix).searchSync(queries)).toEqual(expected)
    expect(index.storeVec(Object.freeze([...queries[0]!]))).toBe(500)
  })

  it('no call changes the numbers that it is given', async () => {
    const data = Float32Array.from(points.flat())
    const asked = Float32Array.from(queries.flat())
    const [x, q]: Vectors[] = [{ data, shape: [500, 8] }, { data: asked, shape: [40, 8] }]
    const index = await make().fit(x!)
    index.fitSync(x!)
    await index.search(q!)
    await index.predict(q!)
    index.predictSync(q!)
    await index.storeVecs(q!)
    index.storeVec(asked.subarray(0, 8))
    index.updateVec(0, asked.subarray(8, 16))
    index.hash(q!)
    await index.evaluate(q!)
    index.deleteVec(asked.subarray(0, 8))
    await knn(x!, q!, { metric: index.metric })
    await cdist(x!, q!, { metric: index.metric })
    expect(data).toEqual(Float32Array.from(points.flat()))
    expect(asked).toEqual(Float32Array.from(queries.flat()))
  })

  it('a part of a larger buffer is that part', () => {
    const memory = new Float32Array(1 + 500 * 8 + 5).fill(NaN)
    const part = memory.subarray(1, 1 + 500 * 8)
    part.set(points.flat())
    expect(make().fitSync({ data: part, shape: [500, 8] }).searchSync(queries)).toEqual(expected)
    const bytes = Buffer.alloc(3 + 16, 255)
    const odd = bytes.subarray(3, 3 + 16).fill(1)
    expect(make().fitSync({ data: odd, shape: [2, 8] }).getVec(1)).toEqual(new Float32Array(8).fill(1))
  })
})

describe('resizable buffers', () => {
  type Resizable = ArrayBuffer & { resize(bytes: number): void }
  const resizable = (bytes: number) =>
    new (ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable)(bytes, { maxByteLength: 10 * bytes })

  it('are read as long as they are at the call', async () => {
    const buffer = resizable(4 * 4)
    const numbers = new Float32Array(buffer)
    numbers.set([1, 2, 3, 4])
    const index = new L2({ nProjections: 1, nHashTables: 1, r: 100, dim: 2 })
    const fitting = index.fit(numbers)
    buffer.resize(4)
    await fitting
    expect([index.getVec(0), index.getVec(1)]).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)])
    buffer.resize(6 * 4)
    expect(index.storeVecsSync(numbers)).toEqual(Uint32Array.of(2, 3, 4))
    expect(index.getVec(2)).toEqual(Float32Array.of(1, 0))
  })

  it('that no longer hold the array hold no vectors', () => {
    const buffer = resizable(8 * 4)
    const end = new Float32Array(buffer, 4 * 4, 4)
    buffer.resize(4)
    const index = new L2({ nProjections: 1, nHashTables: 1, r: 100, dim: 2 })
    expect(() => index.fitSync(end)).toThrow('0 vectors')
    expect(() => index.fitSync([end, end])).toThrow('length 0')
  })

  it('of shared memory that grows are copied', async () => {
    type Growable = SharedArrayBuffer & { grow(bytes: number): void }
    const Shared = SharedArrayBuffer as unknown as new (bytes: number, options: object) => Growable
    const buffer = new Shared(16, { maxByteLength: 64 })
    const numbers = new Float32Array(buffer)
    numbers.set([1, 2, 3, 4])
    const index = new L2({ nProjections: 1, nHashTables: 1, r: 100, dim: 2 })
    const fitting = index.fit(numbers)
    buffer.grow(64)
    numbers.fill(9)
    await fitting
    expect(index.size).toBe(2)
    expect(index.getVec(1)).toEqual(Float32Array.of(3, 4))
  })
})

it('arrays that play tricks while they are read do no harm', () => {
  const index = new L2({ nProjections: 1, nHashTables: 1, r: 100 })
  const growing: number[][] = [[1, 2], [3, 4]]
  Object.defineProperty(growing[0]!, 0, {
    get: () => {
      growing.push([5, 6])
      growing[1]!.push(9)
      return 1
    },
  })
  expect(() => index.fitSync(growing)).toThrow('rows of one length')
  const shrinking = matrixOf(100, 2, () => 1)
  const tricky = {
    get data() {
      structuredClone(shrinking.data.buffer, { transfer: [shrinking.data.buffer as ArrayBuffer] })
      return shrinking.data
    },
    shape: shrinking.shape,
  }
  expect(() => index.fitSync(tricky)).toThrow('detached')
  const throwing = new Proxy([[1, 2]], {
    get: (target, key, receiver: unknown): unknown => {
      if (key === '0') throw new RangeError('not today')
      return Reflect.get(target, key, receiver)
    },
  })
  expect(() => index.fitSync(throwing)).toThrow()
  expect(index.size).toBe(0)
})

it('a subclass, or an array of another realm, is an array', async () => {
  const { runInNewContext } = await import('node:vm')
  class Embedding extends Float32Array {}
  const index = new L2({ nProjections: 1, nHashTables: 1, r: 100 }).fitSync([[0, 0], [3, 4]])
  expect(index.searchSync([Embedding.of(3, 4)]).at(0).ids[0]).toBe(1)
  const foreign = runInNewContext('[[3, 4], new Float32Array([3, 4]), { data: new Int8Array([3, 4]), shape: [1, 2] }]') as Vectors[]
  for (const x of foreign) expect(index.searchSync(x).at(0).ids[0]).toBe(1)
})
