// Whatever is no set of vectors is refused by every call that takes some, and nothing is lost by it.

import { cdist, cdistSync, knn, knnSync, L2, SRP, type LshIndex, type NumericArray, type Vectors } from 'nearhash'
import { beforeEach, describe, expect, it } from 'vitest'
import { refusal, rejection } from './support/errors.js'

const points = [[1, 2, 3], [4, 5, 6], [7, 8, 10]]

interface Refused {
  code: string
  received: string | RegExp
}

const ARGUMENT = 'ERR_NEARHASH_ARGUMENT'
const NOT_FINITE = 'ERR_NEARHASH_NOT_FINITE'
const DIMENSION = 'ERR_NEARHASH_DIMENSION'

/** What is wrong in itself, whoever asks. */
const WRONG: [name: string, make: () => unknown, Refused][] = [
  ['NaN', () => [[1, 2, 3], [4, NaN, 6]], { code: NOT_FINITE, received: 'NaN at row 1, column 1' }],
  ['Infinity', () => [[1, 2, Infinity]], { code: NOT_FINITE, received: 'Infinity at row 0, column 2' }],
  ['-Infinity', () => [[-Infinity, 2, 3]], { code: NOT_FINITE, received: '-Infinity at row 0, column 0' }],
  ['NaN in a matrix', () => ({ data: Float32Array.of(1, 2, 3, 4, 5, NaN), shape: [2, 3] }), { code: NOT_FINITE, received: 'NaN at row 1, column 2' }],
  ['NaN behind a thousand good rows', () => [...Array(1000).fill([1, 2, 3]), [1, 2, NaN]], { code: NOT_FINITE, received: 'NaN at row 1000, column 2' }],
  ['NaN in a row of float64', () => [Float64Array.of(1, NaN, 3)], { code: NOT_FINITE, received: 'NaN at row 0, column 1' }],
  ['float64 beyond float32', () => [Float64Array.of(1, 1e39, 3)], { code: NOT_FINITE, received: 'Infinity at row 0, column 1' }],
  ['a number beyond float32', () => [[1, 2, -3.5e38]], { code: NOT_FINITE, received: '-Infinity at row 0, column 2' }],
  ['ragged rows', () => [[1, 2, 3], [4, 5]], { code: ARGUMENT, received: '2 numbers in row 1' }],
  ['ragged typed rows', () => [new Float32Array(3), new Float32Array(4)], { code: ARGUMENT, received: '4 numbers in row 1' }],
  ['a row that is empty', () => [[1, 2, 3], []], { code: ARGUMENT, received: '0 numbers in row 1' }],
  ['a row that is missing', () => [[1, 2, 3], undefined], { code: ARGUMENT, received: 'undefined as row 1' }],
  ['a row that is a hole', () => [[1, 2, 3], , [4, 5, 6]], { code: ARGUMENT, received: /row 1/ }],
  ['a row that is a number', () => [[1, 2, 3], 4], { code: ARGUMENT, received: '4 as row 1' }],
  ['a number where rows follow', () => [1, [2, 3, 4], [5, 6, 7]], { code: ARGUMENT, received: /an array of length 3 at row 0, column 1/ }],
  ['rows in rows', () => [[[1, 2, 3]], [[4, 5, 6]]], { code: ARGUMENT, received: 'an array of length 3 at row 0, column 0' }],
  ['text among numbers', () => [[1, '2', 3]], { code: ARGUMENT, received: '"2" at row 0, column 1' }],
  ['null among numbers', () => [[1, 2, 3], [4, 5, null]], { code: ARGUMENT, received: 'null at row 1, column 2' }],
  ['undefined among numbers', () => [[1, undefined, 3]], { code: ARGUMENT, received: 'undefined at row 0, column 1' }],
  ['true among numbers', () => [[true, 2, 3]], { code: ARGUMENT, received: 'true at row 0, column 0' }],
  ['a BigInt among numbers', () => [[1, 2n, 3]], { code: ARGUMENT, received: '2n at row 0, column 1' }],
  ['an object among numbers', () => [[1, { valueOf: () => 2 }, 3]], { code: ARGUMENT, received: 'an object at row 0, column 1' }],
  ['a Date among numbers', () => [[1, new Date(0), 3]], { code: ARGUMENT, received: 'a Date at row 0, column 1' }],
  ['a sparse row', () => [[1, , 3]], { code: ARGUMENT, received: 'a hole at row 0, column 1' }],
  ['text', () => '1 2 3', { code: ARGUMENT, received: '"1 2 3"' }],
  ['a long text', () => 'x'.repeat(1000), { code: ARGUMENT, received: 'a string of length 1000' }],
  ['null', () => null, { code: ARGUMENT, received: 'null' }],
  ['undefined', () => undefined, { code: ARGUMENT, received: 'undefined' }],
  ['a number', () => 7, { code: ARGUMENT, received: '7' }],
  ['a BigInt', () => 7n, { code: ARGUMENT, received: '7n' }],
  ['a boolean', () => true, { code: ARGUMENT, received: 'true' }],
  ['a symbol', () => Symbol('x'), { code: ARGUMENT, received: 'a symbol' }],
  ['a function', () => () => points, { code: ARGUMENT, received: 'a function' }],
  ['an object', () => ({}), { code: ARGUMENT, received: 'an object' }],
  ['an object with numbered keys', () => ({ 0: [1, 2, 3], length: 1 }), { code: ARGUMENT, received: 'an object' }],
  ['a Map', () => new Map([[0, [1, 2, 3]]]), { code: ARGUMENT, received: 'a Map' }],
  ['a Set', () => new Set([[1, 2, 3]]), { code: ARGUMENT, received: 'a Set' }],
  ['an iterator', () => points.values(), { code: ARGUMENT, received: /an? / }],
  ['a promise', () => Promise.resolve(points), { code: ARGUMENT, received: 'a Promise' }],
  ['an ArrayBuffer', () => new ArrayBuffer(12), { code: ARGUMENT, received: 'an ArrayBuffer' }],
  ['a DataView', () => new DataView(new ArrayBuffer(12)), { code: ARGUMENT, received: 'a DataView' }],
  ['a BigInt64Array', () => new BigInt64Array(3), { code: ARGUMENT, received: 'a BigInt64Array' }],
  ['rows of BigUint64Array', () => [new BigUint64Array(3)], { code: ARGUMENT, received: 'a BigUint64Array' }],
  ['a matrix of BigInt64Array', () => ({ data: new BigInt64Array(3), shape: [1, 3] }), { code: ARGUMENT, received: 'a BigInt64Array' }],
  ['an index', () => new SRP(), { code: ARGUMENT, received: 'a SRP' }],
  ['a matrix with too few numbers', () => ({ data: [1, 2, 3], shape: [2, 3] }), { code: ARGUMENT, received: '3 numbers with shape [2, 3]' }],
  ['a matrix with too many numbers', () => ({ data: new Float32Array(7), shape: [2, 3] }), { code: ARGUMENT, received: '7 numbers with shape [2, 3]' }],
  ['a matrix of one dimension', () => ({ data: [1, 2, 3], shape: [3] }), { code: ARGUMENT, received: '[3]' }],
  ['a matrix of three dimensions', () => ({ data: [1, 2, 3], shape: [1, 1, 3] }), { code: ARGUMENT, received: '[1, 1, 3]' }],
  ['a matrix with a negative shape', () => ({ data: [1, 2, 3], shape: [-1, -3] }), { code: ARGUMENT, received: '[-1, -3]' }],
  ['a matrix with a broken shape', () => ({ data: [1, 2, 3], shape: [1.5, 2] }), { code: ARGUMENT, received: '[1.5, 2]' }],
  ['a matrix with a shape of text', () => ({ data: [1, 2, 3], shape: ['1', '3'] }), { code: ARGUMENT, received: '["1", "3"]' }],
  ['a matrix whose shape is no array', () => ({ data: [1, 2, 3], shape: '1x3' }), { code: ARGUMENT, received: '"1x3"' }],
  ['a matrix without a shape', () => ({ data: [1, 2, 3], shape: undefined }), { code: ARGUMENT, received: 'undefined' }],
  ['a matrix without data', () => ({ data: null, shape: [1, 3] }), { code: ARGUMENT, received: 'null' }],
  ['a matrix of rows', () => ({ data: points, shape: [3, 3] }), { code: ARGUMENT, received: /an array of length 3 at row 0, column 0/ }],
  ['a column-major matrix', () => ({ data: new Float32Array(6), shape: [2, 3], fortranOrder: true }), { code: ARGUMENT, received: 'a column-major matrix (fortranOrder)' }],
  ['a matrix of vectors of no length', () => ({ data: [], shape: [2, 0] }), { code: ARGUMENT, received: /length 0/ }],
  ['rows of no length', () => [[], []], { code: ARGUMENT, received: /length 0/ }],
  ['a detached array', () => detached(), { code: ARGUMENT, received: 'a Float32Array whose buffer is detached' }],
  ['rows with a detached array', () => [detached(), detached()], { code: ARGUMENT, received: 'a Float32Array whose buffer is detached' }],
  ['a matrix of a detached array', () => ({ data: detached(), shape: [1, 3] }), { code: ARGUMENT, received: 'a Float32Array whose buffer is detached' }],
]

/** Vectors, but not of the length 3 of the index. */
const OTHER_LENGTH: [name: string, make: () => unknown, Refused][] = [
  ['shorter rows', () => [[1, 2]], { code: DIMENSION, received: 'vectors of length 2' }],
  ['longer rows', () => [[1, 2, 3, 4]], { code: DIMENSION, received: 'vectors of length 4' }],
  ['a matrix of another length', () => ({ data: [1, 2, 3, 4], shape: [2, 2] }), { code: DIMENSION, received: 'vectors of length 2' }],
  ['a flat array that is no multiple', () => [1, 2, 3, 4], { code: DIMENSION, received: 'a flat array of 4 numbers' }],
  ['a flat typed array that is no multiple', () => new Uint8Array(2), { code: DIMENSION, received: 'a flat array of 2 numbers' }],
]

const FAMILIES: [string, () => LshIndex][] = [
  ['SRP', () => new SRP(3, 4, { dim: 3 })],
  ['L2', () => new L2(3, 4, { r: 5, dim: 3 })],
]

describe.each(FAMILIES)('%s', (_name, make) => {
  let index: LshIndex
  let before: string
  beforeEach(() => {
    index = make().fitSync(points)
    before = picture(index)
  })

  describe.each([...WRONG, ...OTHER_LENGTH])('%s', (_name, make, { code, received }) => {
    const bad = () => make() as Vectors
    const expected = { code, received: received instanceof RegExp ? expect.stringMatching(received) : received }

    it('is refused by fit and the store calls, which change nothing', async () => {
      for (const error of [
        refusal(() => index.fitSync(bad())),
        refusal(() => index.storeVecsSync(bad())),
        await rejection(() => index.fit(bad())),
        await rejection(() => index.storeVecs(bad())),
      ]) {
        expect(error).toMatchObject(expected)
        expect(error.argument).toMatch(/^x(\.data|\.shape)?$/)
      }
      expect(picture(index)).toBe(before)
      expect(index.storeVec([1, 2, 3])).toBe(3)
    })

    it('is refused as queries', async () => {
      for (const error of [
        refusal(() => index.searchSync(bad())),
        refusal(() => index.predictSync(bad())),
        refusal(() => index.hash(bad())),
        await rejection(() => index.search(bad())),
        await rejection(() => index.predict(bad())),
      ]) {
        expect(error).toMatchObject(expected)
        expect(error.argument).toMatch(/^x(\.data|\.shape)?$/)
      }
      for (const error of [refusal(() => index.evaluateSync(bad())), await rejection(() => index.evaluate(bad()))]) {
        expect(error).toMatchObject(expected)
        expect(error.argument).toMatch(/^queries(\.data|\.shape)?$/)
      }
      expect(picture(index)).toBe(before)
    })
  })

  it('fit of no vectors is refused and changes nothing', async () => {
    const nothing: Vectors[] = [[], new Float32Array(0), { data: [], shape: [0, 3] }, { data: new Float64Array(0), shape: [0, 0] }]
    for (const x of nothing) {
      for (const error of [refusal(() => index.fitSync(x)), await rejection(() => index.fit(x))]) {
        expect(error).toMatchObject({ code: ARGUMENT, argument: 'x', received: '0 vectors' })
      }
    }
    expect(picture(index)).toBe(before)
  })

  describe('one vector', () => {
    const wrong: [string, unknown, Refused][] = [
      ['too short', [1, 2], { code: DIMENSION, received: 'vectors of length 2' }],
      ['too long', new Float32Array(6).fill(1), { code: DIMENSION, received: 'vectors of length 6' }],
      ['NaN', [1, NaN, 3], { code: NOT_FINITE, received: 'NaN at row 0, column 1' }],
      ['empty', [], { code: ARGUMENT, received: 'an empty array' }],
      ['a hole', [1, , 3], { code: ARGUMENT, received: 'a hole at row 0, column 1' }],
      ['text', ['1', 2, 3], { code: ARGUMENT, received: '"1" at row 0, column 0' }],
      ['rows', [[1, 2, 3]], { code: ARGUMENT, received: 'an array of length 3 at row 0, column 0' }],
      ['a matrix', { data: [1, 2, 3], shape: [1, 3] }, { code: ARGUMENT, received: 'an object' }],
      ['null', null, { code: ARGUMENT, received: 'null' }],
      ['undefined', undefined, { code: ARGUMENT, received: 'undefined' }],
      ['BigInts', new BigInt64Array(3), { code: ARGUMENT, received: 'a BigInt64Array' }],
    ]
    it.each(wrong)('%s is refused by every call that takes one', (_name, bad, expected) => {
      const v = bad as NumericArray
      for (const call of [
        () => index.storeVec(v),
        () => index.updateVec(0, v),
        () => index.queryBucketIdx(v),
        () => index.queryBucket(v),
      ]) {
        expect(refusal(call)).toMatchObject({ argument: 'v', ...expected })
      }
      expect(refusal(() => index.deleteVec(v)).code).toBe(expected.code)
      expect(picture(index)).toBe(before)
    })
  })

  it.each([-1, 1.5, NaN, 2 ** 32, '0', null, undefined, 0n, {}])('%s is no id', (id) => {
    for (const call of [() => index.getVec(id as number), () => index.updateVec(id as number, [1, 2, 3])]) {
      expect(refusal(call)).toMatchObject({ code: ARGUMENT, argument: 'id', allowed: 'an integer from 0 to 4294967295' })
    }
    expect(refusal(() => index.deleteVec(id as number)).argument).toBe('target')
    expect(picture(index)).toBe(before)
  })

  it.each([-1, 4, 0.5, NaN, '0', undefined])('%s is no table', (table) => {
    expect(refusal(() => index.buckets(table as number))).toMatchObject({ code: ARGUMENT, argument: 'table' })
  })
})

describe('zero vectors', () => {
  const zeros: [string, number[]][] = [
    ['zeros', [0, 0, 0]],
    ['negative zeros', [-0, 0, -0]],
    ['a vector too short for a direction', [1e-40, 0, 1e-41]],
  ]
  it.each(zeros)('%s have no direction for SRP, neither as points nor as queries', async (_name, zero) => {
    const index = new SRP(3, 4).fitSync(points)
    const before = picture(index)
    const among: Vectors = [points[0]!, zero, points[1]!]
    for (const error of [
      refusal(() => index.fitSync(among)),
      await rejection(() => index.fit(among)),
      refusal(() => index.storeVecsSync(among)),
      await rejection(() => index.storeVecs(among)),
      refusal(() => index.searchSync(among)),
      await rejection(() => index.search(among)),
      await rejection(() => index.predict(among)),
      refusal(() => index.hash(among)),
    ]) {
      expect(error).toMatchObject({ code: 'ERR_NEARHASH_ZERO_VECTOR', argument: 'x', received: 'a zero vector at row 1' })
    }
    for (const call of [
      () => index.storeVec(zero),
      () => index.updateVec(1, zero),
      () => index.queryBucketIdx(zero),
      () => index.deleteVec(zero),
    ]) {
      expect(refusal(call)).toMatchObject({ code: 'ERR_NEARHASH_ZERO_VECTOR', argument: 'v', received: 'a zero vector at row 0' })
    }
    expect(picture(index)).toBe(before)
    for (const error of [
      refusal(() => knnSync(points, among, { metric: 'cosine' })),
      refusal(() => knnSync(among, points, { metric: 'cosine' })),
      await rejection(() => cdist(among, points, { metric: 'cosine' })),
    ]) {
      expect(error.code).toBe('ERR_NEARHASH_ZERO_VECTOR')
    }
  })

  it('the first of many is named, whatever thread came upon one', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => [i % 7000 === 6999 ? 0 : 1, 0, 0])
    expect(refusal(() => new SRP(3, 4).fitSync(many)).received).toBe('a zero vector at row 6999')
  })

  it('are points like others for L2', () => {
    const index = new L2(3, 4, { r: 5 }).fitSync([[0, 0, 0], ...points])
    expect(index.searchSync([[0, 0, 0]], { k: 1 }).at(0)).toEqual({ ids: Uint32Array.of(0), distances: Float32Array.of(0) })
  })
})

describe('knn and cdist', () => {
  it.each(WRONG)('refuse %s on either side', async (_name, make, { code, received }) => {
    const bad = () => make() as Vectors
    const expected = { code, received: received instanceof RegExp ? expect.stringMatching(received) : received }
    const refused: [argument: string, sync: () => unknown, promised: () => Promise<unknown>][] = [
      ['a', () => cdistSync(bad(), points), () => cdist(bad(), points)],
      ['b', () => cdistSync(points, bad()), () => cdist(points, bad())],
      ['data', () => knnSync(bad(), points), () => knn(bad(), points)],
      ['queries', () => knnSync(points, bad()), () => knn(points, bad())],
    ]
    for (const [argument, sync, promised] of refused) {
      for (const error of [refusal(sync), await rejection(promised)]) {
        expect(error).toMatchObject(expected)
        expect(error.argument.split('.')[0]).toBe(argument)
      }
    }
  })

  it('want vectors of one length', async () => {
    for (const error of [
      refusal(() => cdistSync([[1, 2]], points)),
      await rejection(() => cdist([[1, 2]], points)),
      refusal(() => knnSync([[1, 2]], points)),
      await rejection(() => knn([[1, 2]], points)),
    ]) {
      expect(error.code).toBe(DIMENSION)
    }
  })

  it('want a word on the length of at least one of two flat arrays', () => {
    expect(refusal(() => knnSync([1, 2, 3], [1, 2, 3]))).toMatchObject({ code: ARGUMENT, argument: 'data' })
    expect(knnSync([1, 2, 3, 4], [[1, 2]], { k: 1 }).at(0).ids).toEqual(Uint32Array.of(0))
    expect(knnSync([[1, 2], [3, 4]], [3, 4], { k: 1 }).at(0).ids).toEqual(Uint32Array.of(1))
  })

  it.each(['manhattan', 'Euclidean', '', null, 0, {}])('know no metric %j', async (metric) => {
    const options = { metric: metric as 'cosine' }
    for (const error of [refusal(() => knnSync(points, points, options)), await rejection(() => cdist(points, points, options))]) {
      expect(error).toMatchObject({ code: ARGUMENT, argument: 'metric', allowed: '"euclidean" or "cosine"' })
    }
  })

  it('of nothing is nothing', async () => {
    expect(await cdist(points, [])).toEqual({ data: new Float32Array(0), shape: [3, 0] })
    expect(cdistSync({ data: [], shape: [0, 3] }, points)).toEqual({ data: new Float32Array(0), shape: [0, 3] })
    expect(cdistSync([], points)).toEqual({ data: new Float32Array(0), shape: [0, 3] })
    expect(cdistSync([], [])).toEqual({ data: new Float32Array(0), shape: [0, 0] })
    expect([...knnSync(points, [])]).toEqual([])
    expect([...(await knn([], [[1, 2, 3]], { k: 2 }))]).toEqual([{ ids: new Uint32Array(0), distances: new Float32Array(0) }])
  })
})

it('a flat array without a known length is refused with what to do', async () => {
  const index = new L2(3, 4, { r: 5 })
  for (const x of [[1, 2, 3], Float32Array.of(1, 2, 3)]) {
    const error = refusal(() => index.fitSync(x))
    expect(error).toMatchObject({ code: ARGUMENT, argument: 'x', received: 'a flat array of 3 numbers and no vector length' })
    expect(error.allowed).toContain('the option dim')
    expect((await rejection(() => index.fit(x))).message).toBe(error.message)
  }
})

it('vectors of the largest length are taken, longer ones not', () => {
  const longest = new Uint8Array(2 ** 20).fill(1)
  const index = new L2({ nProjections: 1, nHashTables: 1, r: 4 }).fitSync([longest])
  expect(index.searchSync([longest], { k: 1 }).at(0).distances).toEqual(Float32Array.of(0))
  expect(refusal(() => index.reset().fitSync([new Uint8Array(2 ** 20 + 1)]))).toMatchObject({ code: ARGUMENT, argument: 'x' })
})

function detached(): Float32Array {
  const array = Float32Array.of(1, 2, 3)
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}

function picture(index: LshIndex): string {
  return JSON.stringify([index.describe(), index.searchSync(points), index.getVec(0), index.getVec(3)])
}
