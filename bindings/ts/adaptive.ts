import { inspect, type InspectOptions } from 'node:util'
import { ask, call } from './calls.js'
import { argumentError, show } from './errors.js'
import { readFilter, type CheckedFilter } from './filter.js'
import { native, type AdaptiveIndex } from './native.js'
import { checkOptions, MAX_COUNT, oneOf, optionalInteger, present } from './options.js'
import { toNeighbors, type Neighbors } from './results.js'
import { SingleQueries } from './single-query.js'
import {
  METRICS,
  neighborCount,
  readQueries,
  VectorIndex,
  type Evaluation,
  type Metric,
  type SearchOptions,
} from './vector-index.js'
import { MAX_DIM, type Vectors } from './vectors.js'

/** Options of {@link Index}. */
export interface IndexOptions {
  /** Default `'euclidean'`. */
  metric?: Metric
  /** Vector length, 1 to 1,048,576. Left out: taken from `fit`. */
  dim?: number
  /**
   * Mean recall that `search` aims at, above 0 to 1; default 0.95. It is calibrated by `fit` on the points themselves; 1
   * means exact answers.
   */
  recall?: number
  /** Neighbours that a search gives when it doesn't say how many; default 10. */
  k?: number
  /**
   * Rounds that move each point to its nearest bucket, 0 to 64. 0: buckets are hash buckets, nothing else. Left out:
   * chosen from the data by `fit`.
   */
  settle?: number
  /**
   * An integer from 0 to 2^53 - 1; default 0. Same seed, same options, same data: same index and same answers, on every
   * platform and with any number of threads.
   */
  seed?: number
}

/** Options of `search` and `evaluate` of {@link Index}. */
export interface IndexSearchOptions extends SearchOptions {
  /** Neighbours wanted per query; default: that of the index. */
  k?: number
  /** Mean recall to aim at in this call, above 0 to 1; default: that of the index. */
  recall?: number
  /** Instead of recall: visit this many buckets, from 1. */
  probes?: number
}

/**
 * What an {@link Index} looks like, as plain JSON. From `projection` on it is what `fit` chose, and left out where all
 * points are compared with every query: before `fit`, and for few points.
 */
export interface IndexDescription {
  family: 'adaptive'
  metric: Metric
  /** Points. */
  size: number
  /** Vector length. */
  dim?: number
  /** Mean recall that `search` aims at when it isn't told. */
  recall: number
  /** Neighbours that `search` gives when it isn't told. */
  k: number
  seed: number
  /** Native memory of points, codes and buckets. */
  memoryBytes: number
  /** Points in no bucket, which every query is compared with: those stored since `fit`, or all of few. */
  open: number
  /** Leading directions of the points that they are projected on. */
  projection?: { axes: number }
  /** Buckets that hold a point, their sizes, and the rounds that moved each point to its nearest one. */
  buckets?: { count: number; meanBucketSize: number; maxBucketSize: number; settle: number }
  /** Bits of a code, an axis (2, 4 or 7), and bytes a vector takes beside its own numbers. */
  codes?: { bits: number; bytesPerVector: number }
  /** Buckets that `search` scans for a mean recall, in the mean, by k. */
  calibration?: { k: number; recall: number; probes: number }[]
}

const INDEX_OPTIONS = ['metric', 'dim', 'recall', 'k', 'settle', 'seed'] as const
const SYNC_OPTIONS = ['k', 'recall', 'probes', 'filter'] as const
const SEARCH_OPTIONS = [...SYNC_OPTIONS, 'signal'] as const
const MAX_SETTLE = 64

/**
 * The fast index: one table of sign hashes grown along the data's own directions, compact codes inside its buckets,
 * exact distances at the end. It finds the asked share of the nearest neighbours, whatever the data.
 *
 * @example
 * const index = await new Index({ dim: 2 }).fit([[0, 0], [1, 0], [0, 1], [9, 9]])
 * console.log(index.searchSync([0.75, 0], { k: 2 }))
 * // Neighbors(1 query, k = 2) [
 * //   { ids: [ 1, 0 ], distances: [ 0.25, 0.75 ] }
 * // ]
 */
export class Index extends VectorIndex {
  readonly #native: AdaptiveIndex
  readonly #single: SingleQueries
  readonly metric: Metric
  /** Mean recall that `search` aims at. */
  readonly recall: number
  /** Neighbours that a search gives when it doesn't say how many. */
  readonly k: number

  /**
   * An empty index. All options are optional.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT for an option that is not allowed or not known.
   */
  constructor(options?: IndexOptions) {
    const checked = readOptions(options)
    const index = call(() => new native.AdaptiveIndex(checked))
    super(index)
    this.#native = index
    this.#single = new SingleQueries(index)
    this.metric = checked.metric
    this.recall = checked.recall
    this.k = checked.k
  }

  override search(x: Vectors, options?: IndexSearchOptions): Promise<Neighbors> {
    return ask(options, SEARCH_OPTIONS, (control, checked) => {
      const { k, recall, probes, filter } = this.#read(checked)
      const { values, dim } = readQueries(this, 'x', x)
      return this.#native.search(values, dim, k, recall, probes, filter.ids, filter.deny, control)
    }).then(toNeighbors)
  }

  override searchSync(x: Vectors, options?: Omit<IndexSearchOptions, 'signal'>): Neighbors {
    const checked = this.#read(checkOptions('options', options, SYNC_OPTIONS))
    const { k, recall, probes, filter } = checked
    const single = filter.ids === undefined ? this.#single.answer(x, k, recall, probes) : undefined
    return single ?? this.#answer(x, checked)
  }

  /** The general way. A method of its own: what a closure holds is made as soon as the function around it is called. */
  #answer(x: Vectors, { k, recall, probes, filter }: CheckedSearch): Neighbors {
    return call(() => {
      const { values, dim } = readQueries(this, 'x', x)
      return toNeighbors(this.#native.searchSync(values, dim, k, recall, probes, filter.ids, filter.deny))
    })
  }

  override evaluate(queries: Vectors, options?: IndexSearchOptions): Promise<Evaluation> {
    return ask(options, SEARCH_OPTIONS, (control, checked) => {
      const { k, recall, probes, filter } = this.#read(checked)
      const { values, dim } = readQueries(this, 'queries', queries)
      return this.#native.evaluate(values, dim, k, recall, probes, filter.ids, filter.deny, control)
    })
  }

  override evaluateSync(queries: Vectors, options?: Omit<IndexSearchOptions, 'signal'>): Evaluation {
    return call(() => {
      const { k, recall, probes, filter } = this.#read(checkOptions('options', options, SYNC_OPTIONS))
      const { values, dim } = readQueries(this, 'queries', queries)
      return this.#native.evaluateSync(values, dim, k, recall, probes, filter.ids, filter.deny)
    })
  }

  /** Options of one search, checked. */
  #read(options: Partial<IndexSearchOptions>): CheckedSearch {
    const recall = optionalRecall(options.recall)
    const probes = optionalInteger('probes', options.probes, 1, MAX_COUNT)
    if (recall !== undefined && probes !== undefined) {
      throw argumentError('probes', `${probes} beside recall`, 'one of the two')
    }
    return { k: neighborCount(options.k, this.k), recall, probes, filter: readFilter(options.filter) }
  }

  /** Options, memory, and what `fit` chose: projection, buckets, codes and calibration. */
  describe(): IndexDescription {
    const { codes, dim, ...known } = call(() => this.#native.describe())
    const description: IndexDescription = {
      family: 'adaptive',
      metric: this.metric,
      ...known,
      ...present({ dim }),
    }
    if (codes === undefined) return description
    const { axes, bits, settle, buckets: count, meanBucketSize, maxBucketSize, bytesPerVector, calibration } = codes
    return {
      ...description,
      projection: { axes },
      buckets: { count, meanBucketSize, maxBucketSize, settle },
      codes: { bits, bytesPerVector },
      calibration,
    }
  }

  /** {@link describe}. */
  toJSON(): IndexDescription {
    return this.describe()
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    if (this.#native.disposed) return `${this.constructor.name} { disposed: true }`
    const { size, dim, metric, recall } = this
    const known = { size, ...present({ dim }), metric, recall }
    return `${this.constructor.name} ${inspect(known, { ...options, breakLength: Infinity })}`
  }
}

/** Options of the constructor, checked, with their defaults. */
function readOptions(options: IndexOptions | undefined): {
  metric: Metric
  recall: number
  k: number
  seed: number
  dim?: number
  settle?: number
} {
  const given = checkOptions('options', options, INDEX_OPTIONS)
  return present({
    dim: optionalInteger('dim', given.dim, 1, MAX_DIM),
    settle: optionalInteger('settle', given.settle, 0, MAX_SETTLE),
    metric: oneOf('metric', given.metric, METRICS, 'euclidean'),
    recall: optionalRecall(given.recall) ?? 0.95,
    k: neighborCount(given.k),
    seed: optionalInteger('seed', given.seed, 0, Number.MAX_SAFE_INTEGER) ?? 0,
  })
}

interface CheckedSearch {
  k: number
  recall: number | undefined
  probes: number | undefined
  filter: CheckedFilter
}

function optionalRecall(recall: unknown): number | undefined {
  if (recall === undefined) return undefined
  if (typeof recall !== 'number' || !(recall > 0 && recall <= 1)) {
    throw argumentError('recall', show(recall), 'a number above 0 to 1')
  }
  return recall
}
