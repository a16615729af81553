// The same numbers are the same vectors, in whatever shape and type they come and however the calls are made.

import fc from 'fast-check'
import { cdistSync, Index, knnSync, L2, SRP, type LshIndex, type NumericArray, type Vectors } from 'nearhash'
import { describe, expect, it } from 'vitest'

const TYPES = [
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
]

/** Rows of numbers that every type holds, none of them all zeros. */
const points = fc.integer({ min: 1, max: 5 }).chain((dim) => {
  const row = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: dim, maxLength: dim })
  return fc.tuple(fc.array(row, { minLength: 1, maxLength: 12 }), fc.array(row, { minLength: 1, maxLength: 6 }))
})

/** Every way to write the same rows. */
function writings(rows: number[][]): [name: string, Vectors][] {
  const dim = rows[0]!.length
  const shape = [rows.length, dim] as const
  const numbers = rows.flat()
  const typed = TYPES.flatMap((Type): [string, Vectors][] => {
    const data = Type.from(numbers)
    const padded = new Type([7, 7, 7, ...numbers, 7]).subarray(3, 3 + numbers.length)
    const shared: NumericArray = new (Type as Float32ArrayConstructor)(new SharedArrayBuffer(data.byteLength))
    ;(shared as Float32Array).set(numbers)
    return [
      [`flat ${Type.name}`, data],
      [`flat ${Type.name} with an offset`, padded],
      [`flat shared ${Type.name}`, shared],
      [`matrix of ${Type.name}`, { data, shape }],
      [`matrix of ${Type.name} with an offset`, { data: padded, shape }],
      [`matrix of shared ${Type.name}`, { data: shared, shape }],
      [`rows of ${Type.name}`, rows.map((row) => Type.from(row))],
    ]
  })
  const mixed = rows.map((row, i): NumericArray => (i % 10 === 9 ? row : TYPES[i % 10]!.from(row)))
  const bytesAndShorts = rows.map((row, i) => (i % 2 === 0 ? Uint8Array.from(row) : Int16Array.from(row)))
  return [
    ['rows of numbers', rows],
    ['flat numbers', numbers],
    ['matrix of numbers', { data: numbers, shape }],
    ['matrix with more properties', { data: numbers, shape: [...shape], dtype: 'f4', fortranOrder: false } as Vectors],
    ['rows of different types', mixed],
    ['rows of bytes and shorts', bytesAndShorts],
    ['a Buffer', Buffer.from(numbers)],
    ...typed,
  ]
}

const FAMILIES: [string, (dim: number) => LshIndex][] = [
  ['L2', (dim) => new L2({ nProjections: 2, nHashTables: 3, r: 60, dim, seed: 5 })],
  ['SRP', (dim) => new SRP({ nProjections: 2, nHashTables: 3, dim, seed: 5 })],
]

describe.each(FAMILIES)('%s', (_name, make) => {
  it('answers the same whatever the points are written as', () => {
    fc.assert(
      fc.property(points, ([rows, queries]) => {
        const expected = picture(make(rows[0]!.length).fitSync(rows), queries)
        for (const [name, x] of writings(rows)) {
          expect(picture(make(rows[0]!.length).fitSync(x), queries), name).toBe(expected)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('answers the same whatever the queries are written as', () => {
    fc.assert(
      fc.property(points, ([rows, queries]) => {
        const index = make(rows[0]!.length).multiProbe(1).fitSync(rows)
        const expected = picture(index, queries)
        for (const [name, x] of writings(queries)) expect(picture(index, x), name).toBe(expected)
      }),
      { numRuns: 25 },
    )
  })

  it('stores the same whatever the points are written as', () => {
    fc.assert(
      fc.property(points, ([rows, more]) => {
        const index = make(rows[0]!.length).fitSync(rows)
        const stored = () => make(rows[0]!.length).fitSync(rows)
        index.storeVecsSync(more)
        for (const [name, x] of writings(more)) {
          const other = stored()
          const ids = other.storeVecsSync(x)
          expect(Array.from(ids), name).toEqual(more.map((_, i) => rows.length + i))
          expect(picture(other, rows), name).toBe(picture(index, rows))
        }
      }),
      { numRuns: 15 },
    )
  })

  it('answers a batch as its queries one by one', () => {
    fc.assert(
      fc.property(points, fc.nat({ max: 3 }), fc.integer({ min: 1, max: 15 }), ([rows, queries], budget, k) => {
        const index = make(rows[0]!.length).multiProbe(budget).fitSync(rows)
        // Enough of them for a parallel batch.
        const many = Array.from({ length: 40 }, (_, i) => queries[i % queries.length]!)
        const batch = index.searchSync(many, { k })
        const results = index.predictSync(many, { topK: k })
        for (const [i, query] of many.entries()) {
          expect(index.searchSync([query], { k }).at(0)).toEqual(batch.at(i))
          expect(index.predictSync(query, { topK: k })[0]!.toJSON()).toEqual(results[i]!.toJSON())
        }
        const hashes = index.hash(many)
        const size = hashes.data.length / many.length
        for (const [i, query] of many.entries()) {
          expect(index.hash(query).data).toEqual(hashes.data.slice(i * size, (i + 1) * size))
        }
      }),
      { numRuns: 25 },
    )
  })

  it('answers a promise as the blocking call, and search as predict', async () => {
    await fc.assert(
      fc.asyncProperty(points, fc.nat({ max: 3 }), fc.integer({ min: 1, max: 15 }), async ([rows, queries], budget, k) => {
        const blocking = make(rows[0]!.length).multiProbe(budget).fitSync(rows)
        const promised = await make(rows[0]!.length).multiProbe(budget).fit(rows)
        expect(blocking.storeVecsSync(queries)).toEqual(await promised.storeVecs(queries))
        const found = blocking.searchSync(queries, { k })
        expect(await promised.search(queries, { k })).toEqual(found)
        const results = blocking.predictSync(queries, { topK: k })
        const later = await promised.predict(queries, { topK: k })
        expect(later.map((result) => result.toJSON())).toEqual(results.map((result) => result.toJSON()))
        for (const [i, { index, distances }] of results.entries()) {
          expect({ ids: index, distances }).toEqual(found.at(i))
        }
      }),
      { numRuns: 25 },
    )
  })

  it('takes one flat array of the vector length as one vector', () => {
    const index = make(3).fitSync([[1, 2, 3], [4, 5, 6]])
    expect(index.searchSync([1, 2, 3])).toEqual(index.searchSync([[1, 2, 3]]))
    expect(index.searchSync(Float32Array.of(1, 2, 3, 4, 5, 6))).toEqual(index.searchSync([[1, 2, 3], [4, 5, 6]]))
  })
})

it('knn and cdist answer the same whatever the sets are written as', () => {
  fc.assert(
    fc.property(points, fc.constantFrom('euclidean' as const, 'cosine' as const), ([rows, queries], metric) => {
      const found = knnSync(rows, queries, { k: 3, metric })
      const distances = cdistSync(rows, queries, { metric })
      for (const [name, x] of writings(rows)) {
        expect(knnSync(x, queries, { k: 3, metric }), name).toEqual(found)
        expect(cdistSync(x, queries, { metric }), name).toEqual(distances)
      }
      for (const [name, x] of writings(queries)) {
        expect(knnSync(rows, x, { k: 3, metric }), name).toEqual(found)
        expect(cdistSync(rows, x, { metric }), name).toEqual(distances)
      }
    }),
    { numRuns: 15 },
  )
})

it('small integers keep their type inside: a byte takes a quarter of a float32', () => {
  const rows = 4000
  const bytesANumber = (data: NumericArray) => {
    const index = new L2({ nProjections: 1, nHashTables: 1, r: 4 })
    return (index.fitSync({ data, shape: [rows, 64] }).describe().memoryBytes - tables) / (rows * 64)
  }
  const tables = new L2({ nProjections: 1, nHashTables: 1, r: 4 }).fitSync({ data: new Uint8Array(rows), shape: [rows, 1] })
    .describe().memoryBytes
  expect(bytesANumber(new Uint8Array(rows * 64))).toBeCloseTo(1, 1)
  expect(bytesANumber(new Uint8ClampedArray(rows * 64))).toBeCloseTo(1, 1)
  expect(bytesANumber(new Int8Array(rows * 64))).toBeCloseTo(2, 1)
  expect(bytesANumber(new Int16Array(rows * 64))).toBeCloseTo(2, 1)
  expect(bytesANumber(new Uint16Array(rows * 64).fill(32_767))).toBeCloseTo(2, 1)
  expect(bytesANumber(new Uint16Array(rows * 64).fill(32_768))).toBeCloseTo(4, 1)
  expect(bytesANumber(new Int32Array(rows * 64))).toBeCloseTo(4, 1)
  expect(bytesANumber(new Float32Array(rows * 64))).toBeCloseTo(4, 1)
  expect(bytesANumber(new Float64Array(rows * 64))).toBeCloseTo(4, 1)
})

it('a Uint16Array is read right wherever it begins and wherever its largest number is', () => {
  const dim = 3
  for (const offset of [0, 1, 2]) {
    const numbers = new Uint16Array(offset + 7 * dim).subarray(offset)
    for (let at = 0; at < numbers.length; at++) {
      for (const largest of [32_767, 32_768, 65_535]) {
        numbers.fill(1)
        numbers[at] = largest
        const index = new Index({}).fitSync({ data: numbers, shape: [7, dim] })
        expect(index.getVec(Math.floor(at / dim))![at % dim]).toBe(largest)
        index.dispose()
      }
    }
  }
})

/** What an index answers and looks like, apart from its memory, as text. */
function picture(index: LshIndex, queries: Vectors): string {
  const { memoryBytes: _, ...description } = index.describe()
  const { data, shape } = index.hash(queries)
  return JSON.stringify({
    description,
    found: index.searchSync(queries, { k: 4 }),
    predicted: index.predictSync(queries, { topK: 4 }),
    hashes: [shape, Array.from(data)],
    buckets: [0, 1, 2].map((table) => Array.from(index.buckets(table), ([key, ids]) => [key, Array.from(ids)])),
  })
}
