import { call, change, type Cancellable, type Progress } from './calls.js'
import type { Filter } from './filter.js'
import { type LshIndex as NativeLshIndex } from './native.js'
import { integer, MAX_COUNT } from './options.js'
import type { Neighbors } from './results.js'
import { isFlat, readVector, readVectors, type NumericArray, type Rows, type Vectors } from './vectors.js'

/** What near means. The distance of `'cosine'` is 1 - similarity, from 0 to 2. Both sort ascending. */
export type Metric = 'euclidean' | 'cosine'

/** @internal */
export const METRICS = ['euclidean', 'cosine'] as const

/** Options of the calls that take in points. */
export interface FitOptions extends Cancellable {
  /**
   * Called about 20 times a second while the work runs, and once when it is done. An exception thrown in it stops the
   * work and rejects the promise.
   */
  onProgress?: (progress: Progress) => void
}

/** Options of `search` and `evaluate`. */
export interface SearchOptions extends Cancellable {
  /** Neighbours wanted per query; default 10. */
  k?: number
  /** Return only some of the points; `counts` tells how many there were. */
  filter?: Filter
}

/** How well and how fast an index answers, see {@link VectorIndex.evaluate}. */
export interface Evaluation {
  /** Mean share of the k nearest points that search found, 0 to 1. A point as near as the k-th counts. */
  recall: number
  /** Lower end of the recall's 95 % interval. */
  low: number
  /** Upper end of the recall's 95 % interval. */
  high: number
  /** 5th percentile of the recall of single queries. */
  p5: number
  /** Microseconds that search takes a query, with all threads. */
  microsPerQuery: number
  /** Microseconds that exact search takes a query, with all threads. */
  exactMicrosPerQuery: number
}

/** @internal Largest id. */
const MAX_ID = 2 ** 32 - 1

/** @internal */
export const FIT_OPTIONS = ['signal', 'onProgress'] as const

/** @internal What the native objects of all classes have. */
export type NativeIndex = Pick<
  NativeLshIndex,
  | 'fit'
  | 'fitSync'
  | 'store'
  | 'storeSync'
  | 'storeOne'
  | 'delete'
  | 'deleteEqual'
  | 'update'
  | 'vector'
  | 'reset'
  | 'dispose'
  | 'size'
  | 'dim'
>

/** @internal The native object behind an index, for the classes of this package. */
export let nativeOf: (index: VectorIndex) => NativeIndex

/**
 * What every index can do. Heavy calls are promises worked off the event loop, each with a blocking `...Sync` twin.
 * While points are taken in, queries answer from the points before.
 */
export abstract class VectorIndex {
  readonly #native: NativeIndex

  /** @internal */
  constructor(native: NativeIndex) {
    this.#native = native
  }

  static {
    nativeOf = (index) => index.#native
  }

  /** What its distances are. */
  abstract readonly metric: Metric

  /** Points in the index. */
  get size(): number {
    return call(() => this.#native.size)
  }

  /** Vector length: the option's, or that of the fitted points; undefined before. */
  get dim(): number | undefined {
    return call(() => this.#native.dim) ?? undefined
  }

  /**
   * Replace the points of the index by these, and choose what the options left open. Ids are the rows' numbers.
   *
   * @throws NearhashError ERR_NEARHASH_BUSY while another change of this index runs; ERR_NEARHASH_DIMENSION for vectors
   * of another length than the option `dim`; ERR_NEARHASH_ZERO_VECTOR where the metric is cosine;
   * ERR_NEARHASH_NOT_FINITE; ERR_NEARHASH_ARGUMENT for no vectors or what is no vectors. The index is then as it was.
   * Here as in all promised calls, errors are rejections.
   */
  fit(x: Vectors, options?: FitOptions): Promise<this> {
    return giving(
      this,
      change(options, FIT_OPTIONS, (control) => {
        const { values, dim } = readVectors('x', x, this.#dim)
        return this.#native.fit(values, dim, control)
      }),
    )
  }

  /** {@link fit}, blocking. */
  fitSync(x: Vectors): this {
    call(() => {
      const { values, dim } = readVectors('x', x, this.#dim)
      this.#native.fitSync(values, dim)
    })
    return this
  }

  /**
   * The k nearest per query, as flat typed arrays.
   *
   * @throws NearhashError ERR_NEARHASH_NOT_FITTED, ERR_NEARHASH_DIMENSION, ERR_NEARHASH_NOT_FINITE,
   * ERR_NEARHASH_ZERO_VECTOR, ERR_NEARHASH_ARGUMENT.
   */
  abstract search(x: Vectors, options?: SearchOptions): Promise<Neighbors>

  /** {@link search}, blocking. One query in a typed array costs next to nothing beside the search itself. */
  abstract searchSync(x: Vectors, options?: Omit<SearchOptions, 'signal'>): Neighbors

  /**
   * Add one point to a fitted index, or to an empty one whose options leave nothing open (`dim`, `nProjections`,
   * `nHashTables`, for L2 `r`).
   *
   * @returns Its id. Ids follow on and are never reused.
   */
  storeVec(v: NumericArray): number {
    return call(() => this.#native.storeOne(readVector('v', v)))
  }

  /**
   * Add points, see {@link storeVec}.
   *
   * @returns Their ids, in input order.
   */
  storeVecs(x: Vectors, options?: FitOptions): Promise<Uint32Array> {
    return change(options, FIT_OPTIONS, (control) => {
      const { values, dim } = readQueries(this, 'x', x)
      return this.#native.store(values, dim, control)
    })
  }

  /** {@link storeVecs}, blocking. */
  storeVecsSync(x: Vectors): Uint32Array {
    return call(() => {
      const { values, dim } = readQueries(this, 'x', x)
      return this.#native.storeSync(values, dim)
    })
  }

  /**
   * Remove the point of this id, or all points equal to this vector.
   *
   * @returns How many went; 0 when there was none.
   */
  deleteVec(target: number | NumericArray): number {
    return call(() =>
      typeof target === 'number'
        ? this.#native.delete(integer('target', target, 0, MAX_ID))
        : this.#native.deleteEqual(readVector('target', target)),
    )
  }

  /**
   * Replace the vector behind an id.
   *
   * @throws NearhashError ERR_NEARHASH_UNKNOWN_ID when there is no such point.
   */
  updateVec(id: number, v: NumericArray): void {
    call(() => this.#native.update(integer('id', id, 0, MAX_ID), readVector('v', v)))
  }

  /** The vector behind an id; undefined when there is no such point. */
  getVec(id: number): Float32Array | undefined {
    return call(() => this.#native.vector(integer('id', id, 0, MAX_ID))) ?? undefined
  }

  /**
   * Recall and time of {@link search} on these queries, against exact search on the same points in the same run.
   *
   * @example
   * const index = await new L2({ nProjections: 4, nHashTables: 8, r: 4 }).fit([[0, 0], [1, 0], [0, 1], [9, 9]])
   * const { recall, low, high } = await index.evaluate([[0.75, 0], [9, 8]], { k: 2 })
   * console.log(`recall@2 ${recall} (${low.toFixed(2)} to ${high.toFixed(2)})`)
   * // recall@2 0.75 (0.26 to 1.00)
   */
  abstract evaluate(queries: Vectors, options?: SearchOptions): Promise<Evaluation>

  /** {@link evaluate}, blocking. */
  abstract evaluateSync(queries: Vectors, options?: Omit<SearchOptions, 'signal'>): Evaluation

  /** Forget the points, keep the options. */
  reset(): this {
    call(() => this.#native.reset())
    return this
  }

  /**
   * Give native memory back now, instead of when the object is collected. Work under way ends undisturbed; later calls
   * throw ERR_NEARHASH_DISPOSED, except another `dispose`.
   */
  dispose(): void {
    call(() => this.#native.dispose())
  }

  /** {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  get #dim(): number | undefined {
    return this.#native.dim ?? undefined
  }
}

/**
 * @internal Vectors that an index is asked about. Without a known length a flat array counts as one vector, so that it
 * is the native side that says that there was no fit.
 */
export function readQueries(index: VectorIndex, argument: string, x: Vectors): Rows {
  const dim = nativeOf(index).dim ?? undefined
  if (dim === undefined && isFlat(x) && x.length > 0) {
    const values = readVector(argument, x)
    return { values, rows: 1, dim: values.length }
  }
  return readVectors(argument, x, dim)
}

/** Made outside of the methods, whose scope keeps the caller's vectors alive. */
function giving<T>(value: T, promise: Promise<unknown>): Promise<T> {
  return promise.then(() => value)
}

/** @internal The option k. */
export function neighborCount(k: unknown, fallback = 10): number {
  return k === undefined ? fallback : integer('k', k, 1, MAX_COUNT)
}
