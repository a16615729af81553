import { inspect, type InspectOptions } from 'node:util'
import { argumentError, show } from './errors.js'
import type { RawNeighbors, RawPredictions } from './native.js'

/** One query's row of {@link Neighbors}. */
export interface Row {
  /** Ids of the neighbours, nearest first. */
  readonly ids: Uint32Array
  /** Their distances, ascending; equal distances are ordered by id. */
  readonly distances: Float32Array
}

/**
 * The lean result of a batch, in flat arrays: row i holds `counts[i]` neighbours, nearest first, at offset `i * k`.
 *
 * @example
 * const index = await new L2({ nProjections: 4, nHashTables: 8, r: 4 }).fit([[0, 0], [1, 0], [0, 1], [9, 9]])
 * const found = await index.search([[0.75, 0], [9, 8]], { k: 2 })
 * console.log(found)
 * // Neighbors(2 queries, k = 2) [
 * //   { ids: [ 1, 0 ], distances: [ 0.25, 0.75 ] },
 * //   { ids: [ 3 ], distances: [ 1 ] }
 * // ]
 * for (const { ids, distances } of found) console.log(ids[0], distances[0])
 * // 1 0.25
 * // 3 1
 */
export class Neighbors implements Iterable<Row> {
  /** Places per query. */
  readonly k: number
  /** Queries. */
  readonly length: number
  /** `length * k` ids; places behind a row's count are 0. May share its buffer with `distances`. */
  readonly ids: Uint32Array
  /** `length * k` distances. */
  readonly distances: Float32Array
  /** Neighbours found, per query: fewer than k when fewer candidates were met. */
  readonly counts: Uint32Array

  /** @internal */
  constructor({ k, ids, distances, counts }: RawNeighbors) {
    this.k = k
    this.length = counts.length
    this.ids = ids
    this.distances = distances
    this.counts = counts
  }

  /**
   * The neighbours of query i, as views into `ids` and `distances`. A negative i counts from the end.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT when there is no such query.
   */
  at(i: number): Row {
    const row = i < 0 ? i + this.length : i
    const count = this.counts[row]
    if (count === undefined) {
      throw argumentError('i', show(i), `an integer from ${-this.length} to ${this.length - 1}`)
    }
    const start = row * this.k
    return {
      ids: this.ids.subarray(start, start + count),
      distances: this.distances.subarray(start, start + count),
    }
  }

  /** The rows, one by one. */
  *[Symbol.iterator](): IterableIterator<Row> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }

  /** Plain arrays for JSON. */
  toJSON(): { k: number; length: number; ids: number[]; distances: number[]; counts: number[] } {
    const { k, length, ids, distances, counts } = this
    return { k, length, ids: Array.from(ids), distances: Array.from(distances), counts: Array.from(counts) }
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const title = `Neighbors(${this.length} ${this.length === 1 ? 'query' : 'queries'}, k = ${this.k})`
    const line = { ...options, compact: true, breakLength: Infinity, maxArrayLength: SHOWN_PLACES }
    const rows: string[] = []
    for (let i = 0; i < Math.min(this.length, SHOWN_ROWS); i++) {
      const { ids, distances } = this.at(i)
      rows.push(`  ${inspect({ ids: Array.from(ids), distances: Array.from(distances) }, line)}`)
    }
    if (rows.length < this.length) rows.push(`  ... ${this.length - rows.length} more`)
    return rows.length === 0 ? `${title} []` : `${title} [\n${rows.join(',\n')}\n]`
  }
}

/** How much of a result is printed. */
const SHOWN_ROWS = 3
const SHOWN_PLACES = 10

/** @internal Made outside of the methods, whose scope keeps the caller's vectors alive. */
export function toNeighbors(raw: RawNeighbors): Neighbors {
  return new Neighbors(raw)
}

/**
 * What `predict` returns for one query, nearest first. All arrays have the same length, at most topK. The results of a
 * batch are views into common buffers.
 *
 * @example
 * const index = await new L2({ nProjections: 4, nHashTables: 8, r: 4 }).fit([[0, 0], [1, 0], [0, 1], [9, 9]])
 * const [result] = await index.predict([0.75, 0], { topK: 2 })
 * console.log(result)
 * // QueryResult {
 * //   index: Uint32Array(2) [ 1, 0 ],
 * //   distances: Float32Array(2) [ 0.25, 0.75 ],
 * //   nCollisions: 2,
 * //   vectors: [ Float32Array(2) [ 1, 0 ], Float32Array(2) [ 0, 0 ] ]
 * // }
 */
export class QueryResult {
  /** Ids of the neighbours, nearest first. */
  readonly index: Uint32Array
  /** Their distances, ascending; equal distances are ordered by id. */
  readonly distances: Float32Array
  /** Distinct points met in the probed buckets, before ranking. 0: nothing collided. */
  readonly nCollisions: number
  readonly #batch: Vectors | undefined
  readonly #start: number
  #vectors: readonly Float32Array[] | undefined

  /** @internal */
  constructor(
    index: Uint32Array,
    distances: Float32Array,
    nCollisions: number,
    start: number,
    batch: Vectors | undefined,
  ) {
    this.index = index
    this.distances = distances
    this.nCollisions = nCollisions
    this.#start = start
    this.#batch = batch
  }

  /** The neighbours themselves; undefined with `onlyIndex`. */
  get vectors(): readonly Float32Array[] | undefined {
    if (this.#batch === undefined) return undefined
    const { data, dim } = this.#batch
    return (this.#vectors ??= Array.from(this.index, (_, i) => {
      const start = (this.#start + i) * dim
      return data.subarray(start, start + dim)
    }))
  }

  /** Plain arrays for JSON. */
  toJSON(): { index: number[]; distances: number[]; nCollisions: number; vectors?: number[][] } {
    const { vectors } = this
    return {
      index: Array.from(this.index),
      distances: Array.from(this.distances),
      nCollisions: this.nCollisions,
      ...(vectors === undefined ? {} : { vectors: vectors.map((vector) => Array.from(vector)) }),
    }
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { index, distances, nCollisions, vectors } = this
    return `QueryResult ${inspect(vectors === undefined ? { index, distances, nCollisions } : { index, distances, nCollisions, vectors }, options)}`
  }
}

/** The vectors of a batch, row-major. */
interface Vectors {
  data: Float32Array
  dim: number
}

/** @internal One result per query. */
export function toQueryResults(raw: RawPredictions): QueryResult[] {
  const { offsets, ids, distances, collisions, vectors: data } = raw
  const batch = data === undefined ? undefined : { data, dim: ids.length === 0 ? 0 : data.length / ids.length }
  const results = new Array<QueryResult>(collisions.length)
  for (let i = 0; i < results.length; i++) {
    const start = offsets[i]!
    const end = offsets[i + 1]!
    results[i] = new QueryResult(ids.subarray(start, end), distances.subarray(start, end), collisions[i]!, start, batch)
  }
  return results
}
