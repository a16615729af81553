import type { NumericArray, Vectors } from '../vectors.js'

/** What the models of words are. Stand-in until the package has them. */
export interface QueryWords {
  words: string[]
  weights: Float32Array
}
export interface VectorTokens {
  readonly kind: 'cluster-tokens' | 'srp' | 'l2'
  readonly dim: number
  readonly metric: 'euclidean' | 'cosine'
  readonly modelHash: string
  readonly wordsPerVector: number
  readonly probes: number
  queryWordCount(probes?: number): number
  encode(x: Vectors, options?: { signal?: AbortSignal }): Promise<string[][]>
  encodeSync(x: Vectors): string[][]
  encodeQuery(v: NumericArray, options?: { probes?: number }): QueryWords
  describe(): object
}
