import { call, type Cancellable } from './calls.js'
import { argumentError, show } from './errors.js'
import { type L2, LshIndex, type SRP } from './lsh.js'
import { type LshIndex as NativeLshIndex, native, type NativeLshTokens } from './native.js'
import { integer, present } from './options.js'
import {
  type EncodeQueryOptions,
  encodeQueryWords,
  encodeWords,
  encodeWordsSync,
  type QueryWords,
  type VectorTokens,
} from './tokens.js'
import { type Metric, nativeOf } from './vector-index.js'
import type { NumericArray, Vectors } from './vectors.js'

/** Words of hash tables, as plain JSON. */
export interface LshTokensDescription {
  kind: 'srp' | 'l2'
  /** Of the words: the same version makes the same words of the same tables. */
  version: number
  dim: number
  metric: Metric
  nProjections: number
  nHashTables: number
  /** Bucket width, of L2 only. */
  r?: number
  seed: number
  modelHash: string
}

const MAX_BUCKETS = 10_000

/**
 * The buckets of an index's hash tables as words; nothing is trained.
 *
 * A vector has one word a table, `t03:1a2b`. The bucket of {@link SRP} is written in hexadecimal digits, that of
 * {@link L2} as eight letters and digits, in which upper and lower case differ. A query asks for its own bucket of every
 * table and for the likeliest others. A word weighs the root of the probability that a near neighbour is in its bucket, as
 * multi-probe reckons it, divided by that of the likeliest bucket.
 *
 * @example
 * const tokens = new LshTokens(new SRP({ dim: 3, nProjections: 8, nHashTables: 2 }))
 * console.log(tokens.encodeSync([1, 2, 3]))
 * // [ [ 't00:df', 't01:a3' ] ]
 */
export class LshTokens implements VectorTokens {
  readonly #native: NativeLshTokens
  readonly #description: LshTokensDescription

  /**
   * The words of an index that was fitted, or whose options leave nothing open: `dim`, `nProjections`, `nHashTables`, for
   * L2 `r`. A later `fit` of the index does not change them.
   *
   * @throws NearhashError ERR_NEARHASH_NOT_FITTED for any other index.
   */
  constructor(index: SRP | L2) {
    if (!(index instanceof LshIndex)) throw argumentError('index', show(index), 'an SRP or L2 index')
    this.#native = call(() => new native.LshTokens(nativeOf(index) as NativeLshIndex))
    const { family, r, ...rest } = this.#native.describe()
    const known = rest as Omit<LshTokensDescription, 'kind' | 'r'>
    this.#description = { kind: family as 'srp' | 'l2', ...known, ...present({ r }) }
  }

  get kind(): 'srp' | 'l2' {
    return this.#description.kind
  }

  get dim(): number {
    return this.#description.dim
  }

  get metric(): Metric {
    return this.#description.metric
  }

  get modelHash(): string {
    return this.#description.modelHash
  }

  get wordsPerVector(): number {
    return this.#description.nHashTables
  }

  get probes(): number {
    return 0
  }

  queryWordCount(probes?: number): number {
    return call(() => this.#native.queryWordCount(bucketCount(probes)))
  }

  /**
   * The words of each vector, in the order of the tables.
   *
   * @throws NearhashError ERR_NEARHASH_DIMENSION, ERR_NEARHASH_NOT_FINITE, ERR_NEARHASH_ZERO_VECTOR where the metric is
   * cosine, ERR_NEARHASH_ARGUMENT.
   */
  encode(x: Vectors, options?: Cancellable): Promise<string[][]> {
    return encodeWords(this.#native, x, this.dim, options)
  }

  encodeSync(x: Vectors): string[][] {
    return encodeWordsSync(this.#native, x, this.dim)
  }

  /**
   * The vector's own bucket of every table, then the `probes * nHashTables` likeliest others, likeliest first.
   *
   * @throws NearhashError as {@link encode}.
   */
  encodeQuery(v: NumericArray, options?: EncodeQueryOptions): QueryWords {
    return encodeQueryWords(this.#native, v, options, bucketCount)
  }

  describe(): LshTokensDescription {
    return { ...this.#description }
  }

  /** {@link describe}. */
  toJSON(): LshTokensDescription {
    return this.describe()
  }
}

/** Further buckets a table. */
function bucketCount(probes: unknown): number {
  return probes === undefined ? 0 : integer('probes', probes, 0, MAX_BUCKETS)
}
