import { ask, call, type Cancellable } from './calls.js'
import { argumentError, show } from './errors.js'
import type { ClusterTokensDescription } from './cluster-tokens.js'
import type { LshTokensDescription } from './lsh-tokens.js'
import { native, type NativeClusterTokens, type NativeLshTokens } from './native.js'
import { checkOptions } from './options.js'
import type { Metric } from './vector-index.js'
import { type NumericArray, readVector, readVectors, type Rows, type Vectors } from './vectors.js'

/** Words of a query, and the boost of each. */
export interface QueryWords {
  /** Each once. */
  words: string[]
  /** As many, finite and not negative. Float32, which is what search engines keep of a boost. */
  weights: Float32Array
}

/** Options of `encodeQuery`. */
export interface EncodeQueryOptions {
  /**
   * `ClusterTokens`: nearest clusters of every group, 1 to 65,536; default: what training chose.
   * `LshTokens`: further buckets a table, 0 to 10,000; default 0.
   */
  probes?: number
}

/** What turns vectors into words: `ClusterTokens` or `LshTokens`. */
export interface VectorTokens {
  readonly kind: 'cluster-tokens' | 'srp' | 'l2'
  /** Vector length. */
  readonly dim: number
  /** What near means, and what to rank candidates by. */
  readonly metric: Metric
  /** SHA-256, 64 hexadecimal digits. The same hash: the same words for the same vectors. */
  readonly modelHash: string
  /** Words of one vector; all are different. */
  readonly wordsPerVector: number
  /** What `encodeQuery` takes for `probes` when it is left out. */
  readonly probes: number
  /** How many words a query has, at most, with so many probes. */
  queryWordCount(probes?: number): number
  /** The words of each vector, rows x {@link wordsPerVector}. */
  encode(x: Vectors, options?: Cancellable): Promise<string[][]>
  /** {@link encode}, blocking. */
  encodeSync(x: Vectors): string[][]
  /** The words that a query asks for, and their weights. */
  encodeQuery(v: NumericArray, options?: EncodeQueryOptions): QueryWords
  /** Parameters and origin, as small plain JSON. */
  describe(): ClusterTokensDescription | LshTokensDescription
}

/**
 * Sum of the weights of the query's words that a document has. A search engine's score is this, rounded to float32,
 * where a matching term counts its boost and nothing else (`similarity: boolean`).
 *
 * @example
 * console.log(weightedOverlap({ words: ['0-3', '1-7'], weights: new Float32Array([0.5, 2]) }, ['0-4', '1-7']))
 * // 2
 */
export function weightedOverlap(query: QueryWords, documentWords: readonly string[]): number {
  return call(() => {
    const { words, weights } = (query ?? {}) as Partial<QueryWords>
    checkWords('query.words', words)
    checkWords('documentWords', documentWords)
    if (!(weights instanceof Float32Array) || weights.length !== words.length) {
      const received = weights instanceof Float32Array ? `${weights.length} weights` : show(weights)
      throw argumentError('query.weights', received, `a Float32Array of ${words.length}, one for every word`)
    }
    // Node-API has no shared or detached arrays: read as vectors are, empty ones included.
    const { values } = readVectors('query.weights', weights, weights.length || 1)
    return native.weightedOverlap([...words], values, [...documentWords])
  })
}

function checkWords(argument: string, words: unknown): asserts words is readonly string[] {
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) {
    throw argumentError(argument, show(words), 'an array of strings')
  }
}

/** The native side of either kind of words. */
type NativeEncoder = Pick<NativeClusterTokens | NativeLshTokens, 'encode' | 'encodeSync'>

/** @internal {@link VectorTokens.encode} by the native side, for vectors of this length. */
export function encodeWords(encoder: NativeEncoder, x: Vectors, length: number, options: Cancellable | undefined): Promise<string[][]> {
  return ask(options, ['signal'], (control) => {
    const { values, dim } = readVectors('x', x, length)
    return encoder.encode(values, dim, control)
  }).then(toWords)
}

/** @internal {@link encodeWords}, blocking. */
export function encodeWordsSync(encoder: NativeEncoder, x: Vectors, length: number): string[][] {
  return call(() => {
    const { values, dim } = readVectors('x', x, length)
    return toWords(encoder.encodeSync(values, dim))
  })
}

/** @internal {@link VectorTokens.encodeQuery} by the native side, after a check of its option. */
export function encodeQueryWords<Probes>(
  encoder: { encodeQuery(v: Rows['values'], probes: Probes): QueryWords },
  v: NumericArray,
  options: EncodeQueryOptions | undefined,
  checkProbes: (probes: unknown) => Probes,
): QueryWords {
  return call(() => {
    const { probes } = checkOptions('options', options, ['probes'])
    return encoder.encodeQuery(readVector('v', v), checkProbes(probes))
  })
}

/** The native side's texts: words with a space between, rows with a line feed between. */
function toWords(texts: string[]): string[][] {
  return texts.flatMap((text) => text.split('\n').map((row) => row.split(' ')))
}
