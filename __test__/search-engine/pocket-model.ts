import type { VectorTokens, Vectors } from 'nearhash'

/**
 * A model that fits in a pocket: one word for each coordinate, `"<coordinate>-<rounded value>"`, and for a query the
 * next values too. For what is not about the quality of a model.
 */
export function pocketModel({ dim = 4, name = 'a', metric = 'euclidean' as 'euclidean' | 'cosine' } = {}): VectorTokens {
  const encode = (vector: ArrayLike<number>): string[] =>
    Array.from({ length: dim }, (_, i) => `${i}-${Math.round(vector[i]!)}`)
  const encodeAll = (x: Vectors): string[][] => Array.from(x as readonly ArrayLike<number>[], encode)
  return {
    kind: 'cluster-tokens',
    dim,
    metric,
    modelHash: Buffer.from(name.padEnd(32, '.')).toString('hex'),
    wordsPerVector: dim,
    probes: 2,
    queryWordCount: (probes = 2) => dim * probes,
    encodeSync: encodeAll,
    encode: (x) => Promise.resolve(encodeAll(x)),
    encodeQuery(v, { probes = 2 } = {}) {
      const words: string[] = []
      const weights: number[] = []
      for (let i = 0; i < dim; i++) {
        for (let t = 0; t < probes; t++) {
          words.push(`${i}-${Math.round(v[i]!) + (t % 2 === 0 ? t / 2 : -(t + 1) / 2)}`)
          weights.push(1 / (t + 1))
        }
      }
      return { words, weights: Float32Array.from(weights) }
    },
    describe: () => ({ kind: 'cluster-tokens', dim }) as ReturnType<VectorTokens['describe']>,
  }
}
