import { inspect, type InspectOptions } from 'node:util'
import { ask, call, type Cancellable } from './calls.js'
import { argumentError, show } from './errors.js'
import { readModelFile, writeModelFile } from './model-file.js'
import { native, type NativeClusterTokens } from './native.js'
import { checkOptions, MAX_COUNT, oneOf, optionalInteger, present } from './options.js'
import {
  type EncodeQueryOptions,
  encodeQueryWords,
  encodeWords,
  encodeWordsSync,
  type QueryWords,
  type VectorTokens,
} from './tokens.js'
import { METRICS, type FitOptions, type Metric } from './vector-index.js'
import { type NumericArray, readVectors, type Rows, type Vectors } from './vectors.js'

/** Options of {@link ClusterTokens.train}. */
export interface ClusterTokensOptions {
  /**
   * Groups that the dimensions are cut into: words a vector. 1 to 4,096, and no more than dimensions. Default: dim / 10,
   * but 16 to 256.
   */
  groups?: number
  /**
   * Clusters of every group, 1 to 65,536; default 256. More make shorter posting lists and need more probes; 1,024 suits
   * a million documents. A group in which fewer vectors differ gets fewer.
   */
  clusters?: number
  /** Default `'euclidean'`. With `'cosine'` vectors are brought to length 1 first. */
  metric?: Metric
  /**
   * Whether vectors are rotated at random before they are cut. Default `'auto'`: both ways are trained, and the one that
   * finds more of the held-out vectors' neighbours is kept.
   */
  rotation?: 'auto' | 'random' | 'none'
  /**
   * Nearest clusters of every group that queries ask for by default. Left out: the fewest that find .985 of the ten
   * nearest within 300 candidates for held-out vectors, as far as 896 words a query allow; more in a small collection,
   * where a query reads no more than 8,192 entries of posting lists for them.
   */
  probes?: number
  /** Most vectors that k-means sees; default 20,000, or 64 a cluster where that is more. */
  sample?: number
  /** Most iterations of k-means, 1 to 1,000; default 10. */
  iterations?: number
  /** An integer from 0 to 2^53 - 1; default 0. Same seed, options and vectors: same model, on every platform. */
  seed?: number
}

/** Options of {@link ClusterTokens.train} and of its call. */
export interface TrainOptions extends ClusterTokensOptions, FitOptions {}

/** Share of held-out vectors' true neighbours among the candidates that the words find. */
export interface TokensRecall {
  /** Nearest clusters of every group that the queries asked for. */
  probes: number
  /** Within the first 100 candidates. */
  within100: number
  /** Within the first 300 candidates. */
  within300: number
}

/** What vectors that k-means did not see say about a model. */
export interface TokensValidation {
  /** True neighbours a query; ten. */
  neighbors: number
  /** Held-out vectors, asked as queries. */
  queries: number
  /** Vectors that were searched. */
  rows: number
  /** For every number of probes that was tried, the last one being the default. */
  recalls: TokensRecall[]
}

/** A model of cluster tokens, as plain JSON. */
export interface ClusterTokensDescription {
  kind: 'cluster-tokens'
  /** Of the words: the same version makes the same words of the same model. */
  version: number
  dim: number
  metric: Metric
  groups: number
  clusters: number
  probes: number
  rotation: 'random' | 'none'
  seed: number
  /** Vectors given to training. */
  trainedOn: number
  /** Left out when there were fewer than 100 vectors. */
  validation?: TokensValidation
  modelHash: string
  /** Native memory of the model. */
  memoryBytes: number
}

/** Codes, row-major. */
export interface Codes {
  /** The cluster of row i in group g at `i * groups + g`. Bytes as long as no group has more than 256 clusters. */
  data: Uint8Array | Uint16Array
  shape: [rows: number, groups: number]
}

type NativeOptions = Parameters<typeof NativeClusterTokens.trainSync>[2]

const OPTIONS = ['groups', 'clusters', 'metric', 'rotation', 'probes', 'sample', 'iterations', 'seed'] as const
const TRAIN_OPTIONS = [...OPTIONS, 'signal', 'onProgress'] as const
const ROTATIONS = ['auto', 'random', 'none'] as const
const MAX_CLUSTERS = 65_536

/**
 * Vectors as words, for the inverted index of a search engine: product quantisation (Jégou, Douze & Schmid 2011) written
 * out, as in Mu et al. 2018.
 *
 * The dimensions are rotated and cut into groups, and k-means finds clusters in each. A vector's words name the nearest
 * cluster of every group, `3-14` for cluster 14 of group 3; near vectors share many. A query asks for the nearest few
 * clusters of every group, each with the weight max(0, mean distance to the group's centroids - distance to this one).
 * The sum of the weights of shared words ranks roughly: fetch some hundred candidates and rank them by their exact
 * distance (`knn`).
 *
 * @example
 * const vectors = Array.from({ length: 200 }, (_, i) => [Math.cos(i), Math.sin(i), Math.cos(3 * i), Math.sin(3 * i)])
 * const tokens = await ClusterTokens.train(vectors, { groups: 2, clusters: 8 })
 * const [words] = await tokens.encode([vectors[0]])
 * console.log(words.length, tokens.encodeQuery(vectors[0], { probes: 1 }).words.join() === words.join())
 * // 2 true
 */
export class ClusterTokens implements VectorTokens {
  readonly kind = 'cluster-tokens'
  readonly #native: NativeClusterTokens
  readonly #description: ClusterTokensDescription

  private constructor(made: NativeClusterTokens) {
    if (!(made instanceof native.ClusterTokens)) {
      throw argumentError('ClusterTokens', 'a call of its constructor', 'ClusterTokens.train, load or fromBytes')
    }
    this.#native = made
    const { validation, ...rest } = made.describe()
    const known = rest as Omit<ClusterTokensDescription, 'kind' | 'validation'>
    this.#description = { kind: 'cluster-tokens', ...known, ...present({ validation }) }
  }

  /**
   * Find the clusters for vectors like these; some ten thousand are enough, more sharpen the validation.
   *
   * 400 of them, or a tenth, are held out: they choose the rotation and the number of probes, see
   * {@link TokensValidation} for what they find.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT, ERR_NEARHASH_NOT_FINITE, ERR_NEARHASH_ZERO_VECTOR where the metric is
   * cosine.
   */
  static train(x: Vectors, options?: TrainOptions): Promise<ClusterTokens> {
    return ask(options, TRAIN_OPTIONS, (control, checked) => {
      const { values, dim } = readVectors('x', x, undefined)
      return native.ClusterTokens.train(values, dim, readOptions(checked), control)
    }).then((made) => new ClusterTokens(made))
  }

  /** {@link train}, blocking. */
  static trainSync(x: Vectors, options?: ClusterTokensOptions): ClusterTokens {
    return call(() => {
      const checked = readOptions(checkOptions('options', options, OPTIONS))
      const { values, dim } = readVectors('x', x, undefined)
      return new ClusterTokens(native.ClusterTokens.trainSync(values, dim, checked))
    })
  }

  /**
   * A model that {@link save} wrote.
   *
   * @throws NearhashError ERR_NEARHASH_FORMAT when the file is no model, damaged, or of a later version; Node's own
   * error when it can't be read.
   */
  static async load(path: string, options?: Cancellable): Promise<ClusterTokens> {
    return ClusterTokens.fromBytes(await readModelFile(path, options))
  }

  /**
   * A model that {@link toBytes} wrote.
   *
   * @throws NearhashError ERR_NEARHASH_FORMAT when these are not such bytes, as {@link load}.
   */
  static fromBytes(bytes: Uint8Array): ClusterTokens {
    return call(() => {
      if (!(bytes instanceof Uint8Array)) throw argumentError('bytes', show(bytes), 'a Uint8Array')
      return new ClusterTokens(native.ClusterTokens.fromBytes(readVectors('bytes', bytes, bytes.length || 1).values))
    })
  }

  /** Write the model to a file. The file is complete or not there: it is written beside and then renamed. */
  async save(path: string, options?: Cancellable): Promise<void> {
    await writeModelFile(path, this.toBytes(), options)
  }

  /** The model as bytes with a version and a checksum, for {@link fromBytes}. */
  toBytes(): Uint8Array {
    return call(() => this.#native.toBytes())
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

  /** Words of a vector. */
  get groups(): number {
    return this.#description.groups
  }

  /** Clusters of every group. */
  get clusters(): number {
    return this.#description.clusters
  }

  get wordsPerVector(): number {
    return this.groups
  }

  get probes(): number {
    return this.#description.probes
  }

  queryWordCount(probes?: number): number {
    return call(() => this.#native.queryWordCount(clusterCount(probes)))
  }

  /**
   * The words of each vector, `3-14` for cluster 14 of group 3, in the order of the groups.
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

  /** The words of each vector without the text: the cluster of every group. */
  encodeCodes(x: Vectors, options?: Cancellable): Promise<Codes> {
    return ask(options, ['signal'], (control) => {
      const { values, dim } = this.#read(x)
      return this.#native.encodeCodes(values, dim, control)
    }).then(toCodes)
  }

  /** {@link encodeCodes}, blocking. */
  encodeCodesSync(x: Vectors): Codes {
    return call(() => {
      const { values, dim } = this.#read(x)
      return toCodes(this.#native.encodeCodesSync(values, dim))
    })
  }

  /**
   * The `probes` nearest clusters of every group, group after group and nearest first, with their weights (in the data's
   * own units). The first of every group is the word that {@link encode} gives the same vector.
   *
   * @throws NearhashError as {@link encode}.
   */
  encodeQuery(v: NumericArray, options?: EncodeQueryOptions): QueryWords {
    return encodeQueryWords(this.#native, v, options, clusterCount)
  }

  describe(): ClusterTokensDescription {
    return structuredClone(this.#description)
  }

  /** {@link describe}. */
  toJSON(): ClusterTokensDescription {
    return this.describe()
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { dim, metric, groups, clusters, rotation, probes } = this.#description
    const shown = { dim, metric, groups, clusters, rotation, probes }
    return `ClusterTokens ${inspect(shown, { ...options, breakLength: Infinity })}`
  }

  #read(x: Vectors): Rows {
    return readVectors('x', x, this.dim)
  }
}

function readOptions(options: Partial<ClusterTokensOptions>): NativeOptions {
  return present({
    groups: optionalInteger('groups', options.groups, 1, 4096),
    clusters: optionalInteger('clusters', options.clusters, 1, MAX_CLUSTERS),
    metric: oneOf('metric', options.metric, METRICS, 'euclidean'),
    rotation: oneOf('rotation', options.rotation, ROTATIONS, 'auto'),
    probes: clusterCount(options.probes),
    sample: optionalInteger('sample', options.sample, 1, MAX_COUNT),
    iterations: optionalInteger('iterations', options.iterations, 1, 1000),
    seed: optionalInteger('seed', options.seed, 0, Number.MAX_SAFE_INTEGER) ?? 0,
  })
}

/** Nearest clusters of every group, where they are given. */
function clusterCount(probes: unknown): number | undefined {
  return optionalInteger('probes', probes, 1, MAX_CLUSTERS)
}

function toCodes(raw: { bytes?: Uint8Array; words?: Uint16Array; shape: number[] }): Codes {
  return { data: raw.bytes ?? raw.words!, shape: raw.shape as Codes['shape'] }
}
