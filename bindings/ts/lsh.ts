import { inspect, type InspectOptions } from 'node:util'
import { ask, call, type Cancellable } from './calls.js'
import { argumentError, show } from './errors.js'
import { readFilter, type CheckedFilter } from './filter.js'
import { native, type LshIndex as NativeLshIndex } from './native.js'
import { checkOptions, flag, integer, MAX_COUNT, optionalInteger, optionalPositive, present } from './options.js'
import { toNeighbors, toQueryResults, type Neighbors, type QueryResult } from './results.js'
import { SingleQueries } from './single-query.js'
import {
  nativeOf,
  neighborCount,
  readQueries,
  VectorIndex,
  type Evaluation,
  type Metric,
  type SearchOptions,
} from './vector-index.js'
import { MAX_DIM, readVector, type NumericArray, type Vectors } from './vectors.js'

/** Options of both classes. */
export interface LshOptions {
  /** Hash functions per table (k), 1 to 64. More: smaller buckets. Left out: chosen from the data by `fit`. */
  nProjections?: number
  /** Hash tables (L), 1 to 10,000. More: higher recall, more memory. Left out: chosen from the data by `fit`. */
  nHashTables?: number
  /**
   * Instead of nProjections: aim at this many points a bucket, k = floor(log2(rows / bucketSize)), at least 1.
   */
  bucketSize?: number
  /** Vector length. Left out: taken from `fit`. */
  dim?: number
  /**
   * An integer from 0 to 2^53 - 1; default 0. Same seed, same options, same data: same index and same answers, on every
   * platform and with any number of threads.
   */
  seed?: number
}

/** Options of {@link L2}. */
export interface L2Options extends LshOptions {
  /**
   * Bucket width in the data's own units; about 4 when data is scaled by the distance of interest. Left out: chosen
   * from the data by `fit`.
   */
  r?: number
}

/** Options of `predict`. */
export interface PredictOptions extends Cancellable {
  /** Neighbours wanted per query; default 5. */
  topK?: number
  /** Leave `vectors` out of the results; default false. */
  onlyIndex?: boolean
  /** Look at no more than this many candidates, those of the most likely buckets first; default: at all candidates. */
  bound?: number
}

/** What an index looks like, as plain JSON. What `fit` chooses is left out before it. */
export interface Description {
  family: 'srp' | 'l2'
  /** Points. */
  size: number
  /** Vector length. */
  dim?: number
  /** Hash functions per table. */
  nProjections?: number
  /** Hash tables. */
  nHashTables?: number
  /** Bucket width, of L2 only. */
  r?: number
  seed: number
  probing: { kind: 'base' } | { kind: 'multi-probe'; budget: number }
  /** Native memory of points, tables, hyperplanes and codes. */
  memoryBytes: number
  /** Every table, of the points that it was built with. */
  tables: TableDescription[]
}

/** One hash table. */
export interface TableDescription {
  /** Buckets that hold a point. */
  buckets: number
  /** Points in such a bucket, on average. */
  meanBucketSize: number
  /** Points in the fullest bucket. */
  maxBucketSize: number
  /**
   * SRP: share of the 2^k possible buckets that hold no point. L2, whose buckets have no bound: 1 - buckets / points.
   */
  emptyShare: number
}

/** Hash values, row-major. */
export interface Hashes {
  /** Value of projection p in table t for row i at `(i * nHashTables + t) * nProjections + p`. */
  data: Int32Array
  shape: [rows: number, nHashTables: number, nProjections: number]
}

const LSH_OPTIONS = ['nProjections', 'nHashTables', 'bucketSize', 'dim', 'seed'] as const
const L2_OPTIONS = [...LSH_OPTIONS, 'r'] as const
const SYNC_OPTIONS = ['k', 'filter'] as const
const SEARCH_OPTIONS = [...SYNC_OPTIONS, 'signal'] as const
const PREDICT_OPTIONS = ['topK', 'onlyIndex', 'bound', 'signal'] as const

/** Largest budget of probes a table. */
const MAX_BUDGET = 1e6

/**
 * Several hash tables, multi-probe, exact ranking of every candidate. Theory holds as in the papers, see {@link stats}.
 */
export abstract class LshIndex extends VectorIndex {
  readonly #native: NativeLshIndex
  readonly #single: SingleQueries

  /** @internal */
  constructor(native: NativeLshIndex) {
    super(native)
    this.#native = native
    this.#single = new SingleQueries(native)
  }

  /** Hash functions per table: the option's, or what `fit` chose; undefined before. */
  get nProjections(): number | undefined {
    return call(() => this.#native.nProjections) ?? undefined
  }

  /** Hash tables: the option's, or what `fit` chose; undefined before. */
  get nHashTables(): number | undefined {
    return call(() => this.#native.nHashTables) ?? undefined
  }

  override search(x: Vectors, options?: SearchOptions): Promise<Neighbors> {
    return ask(options, SEARCH_OPTIONS, (control, checked) => {
      const { k, filter } = readSearchOptions(checked)
      const { values, dim } = readQueries(this, 'x', x)
      return this.#native.search(values, dim, k, filter.ids, filter.deny, control)
    }).then(toNeighbors)
  }

  override searchSync(x: Vectors, options?: Omit<SearchOptions, 'signal'>): Neighbors {
    const { k, filter } = readSearchOptions(checkOptions('options', options, SYNC_OPTIONS))
    const single = filter.ids === undefined ? this.#single.answer(x, k) : undefined
    return (
      single ??
      call(() => {
        const { values, dim } = readQueries(this, 'x', x)
        return toNeighbors(this.#native.searchSync(values, dim, k, filter.ids, filter.deny))
      })
    )
  }

  override evaluate(queries: Vectors, options?: SearchOptions): Promise<Evaluation> {
    return ask(options, SEARCH_OPTIONS, (control, checked) => {
      const { k, filter } = readSearchOptions(checked)
      const { values, dim } = readQueries(this, 'queries', queries)
      return this.#native.evaluate(values, dim, k, filter.ids, filter.deny, control)
    })
  }

  override evaluateSync(queries: Vectors, options?: Omit<SearchOptions, 'signal'>): Evaluation {
    return call(() => {
      const { k, filter } = readSearchOptions(checkOptions('options', options, SYNC_OPTIONS))
      const { values, dim } = readQueries(this, 'queries', queries)
      return this.#native.evaluateSync(values, dim, k, filter.ids, filter.deny)
    })
  }

  /**
   * The nearest candidates of each query, how many candidates there were, and their vectors: what floky returns.
   *
   * @throws NearhashError as `search`.
   *
   * @example
   * const index = await new L2({ nProjections: 4, nHashTables: 8, r: 4 }).fit([[0, 0], [1, 0], [0, 1], [9, 9]])
   * const [result] = await index.predict([0.75, 0], { topK: 2, onlyIndex: true })
   * console.log(result)
   * // QueryResult {
   * //   index: Uint32Array(2) [ 1, 0 ],
   * //   distances: Float32Array(2) [ 0.25, 0.75 ],
   * //   nCollisions: 2
   * // }
   */
  predict(x: Vectors, options?: PredictOptions): Promise<QueryResult[]> {
    return ask(options, PREDICT_OPTIONS, (control, checked) => {
      const { topK, bound, vectors } = readPredictOptions(checked)
      const { values, dim } = readQueries(this, 'x', x)
      return this.#native.predict(values, dim, topK, bound, vectors, control)
    }).then(toQueryResults)
  }

  /** {@link predict}, blocking. */
  predictSync(x: Vectors, options?: Omit<PredictOptions, 'signal'>): QueryResult[] {
    return call(() => {
      const checked = checkOptions('options', options, PREDICT_OPTIONS.slice(0, 3))
      const { topK, bound, vectors } = readPredictOptions(checked)
      const { values, dim } = readQueries(this, 'x', x)
      return toQueryResults(this.#native.predictSync(values, dim, topK, bound, vectors))
    })
  }

  /** Probe the home bucket of every table only (the default). */
  base(): this {
    call(() => this.#native.setBudget('base', 0))
    return this
  }

  /**
   * Probe `budget` more buckets a table, 0 to 1,000,000: of all tables together the `budget * nHashTables` most likely
   * ones. Kept across `fit`. 0 equals {@link base}.
   */
  multiProbe(budget: number): this {
    call(() => this.#native.setBudget('multiProbe', integer('budget', budget, 0, MAX_BUDGET)))
    return this
  }

  /** Candidates without ranking: ids of the points that share a probed bucket with the vector, ascending. */
  queryBucketIdx(v: NumericArray): Uint32Array {
    return call(() => this.#native.candidates(readVector('v', v)))
  }

  /** The vectors of these candidates, in the same order. */
  queryBucket(v: NumericArray): Float32Array[] {
    return call(() => {
      const values = readVector('v', v)
      const vectors = this.#native.candidateVectors(values)
      const dim = values.length
      return Array.from({ length: vectors.length / dim }, (_, i) => vectors.slice(i * dim, (i + 1) * dim))
    })
  }

  /**
   * The hash of each vector in each table: bits for SRP, bucket numbers for L2.
   *
   * @example
   * const index = await new SRP({ nProjections: 4, nHashTables: 1 }).fit([[1, 2], [-2, 1], [1, 3]])
   * console.log(index.hash([1, 2]))
   * // { data: Int32Array(4) [ 1, 0, 1, 1 ], shape: [ 1, 1, 4 ] }
   */
  hash(x: Vectors): Hashes {
    return call(() => {
      const { values, dim } = readQueries(this, 'x', x)
      return this.#native.hash(values, dim) as Hashes
    })
  }

  /**
   * Every non-empty bucket of one table: from its key written as text, `'0110'` for SRP or `'3,-1,0,2'` for L2, to the
   * ids in it, ascending.
   *
   * @example
   * const index = await new SRP({ nProjections: 4, nHashTables: 1 }).fit([[1, 2], [-2, 1], [1, 3]])
   * console.log(index.buckets(0))
   * // Map(2) {
   * //   '1011' => Uint32Array(2) [ 0, 2 ],
   * //   '0000' => Uint32Array(1) [ 1 ]
   * // }
   */
  buckets(table: number): Map<string, Uint32Array> {
    return call(() => {
      const { keys, offsets, ids } = this.#native.buckets(integer('table', table, 0, MAX_COUNT))
      return new Map(keys.map((key, i) => [key, ids.slice(offsets[i], offsets[i + 1])]))
    })
  }

  /** Parameters, probing, memory and the shape of every table. */
  describe(): Description {
    const { budget, ...description } = call(() => this.#native.describe())
    const { family, size, dim, nProjections, nHashTables, r, seed, memoryBytes, tables } = description
    return {
      family: family as Description['family'],
      size,
      ...present({ dim, nProjections, nHashTables, r }),
      seed,
      probing: budget === 0 ? { kind: 'base' } : { kind: 'multi-probe', budget },
      memoryBytes,
      tables,
    }
  }

  /** {@link describe}. */
  toJSON(): Description {
    return this.describe()
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    if (this.#native.disposed) return `${this.constructor.name} { disposed: true }`
    const { size, dim, nProjections, nHashTables } = this
    const { budget, r } = this.#native
    const fields = Object.entries({ size, dim, nProjections, nHashTables, r, budget })
    const known = Object.fromEntries(fields.filter(([, value]) => value !== undefined && value !== null))
    return `${this.constructor.name} ${inspect(known, { ...options, breakLength: Infinity })}`
  }
}

/** Sign random projections: cosine distance. */
export class SRP extends LshIndex {
  /**
   * An empty index. All options are optional: `new SRP()` lets `fit` choose.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT for an option that is not allowed or not known.
   */
  constructor(options?: LshOptions)
  /** The same with floky's first two arguments. */
  constructor(nProjections: number, nHashTables?: number, options?: Omit<LshOptions, 'nProjections' | 'nHashTables'>)
  constructor(first?: LshOptions | number, nHashTables?: number, rest?: LshOptions) {
    super(call(() => new native.LshIndex({ family: 'srp', ...readOptions(first, nHashTables, rest, LSH_OPTIONS) })))
  }

  override get metric(): Metric {
    return 'cosine'
  }
}

/** p-stable projections: Euclidean distance. */
export class L2 extends LshIndex {
  /**
   * An empty index. All options are optional: `new L2()` lets `fit` choose.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT for an option that is not allowed or not known.
   */
  constructor(options?: L2Options)
  /** The same with floky's first two arguments. */
  constructor(nProjections: number, nHashTables?: number, options?: Omit<L2Options, 'nProjections' | 'nHashTables'>)
  constructor(first?: L2Options | number, nHashTables?: number, rest?: L2Options) {
    super(call(() => new native.LshIndex({ family: 'l2', ...readOptions(first, nHashTables, rest, L2_OPTIONS) })))
  }

  override get metric(): Metric {
    return 'euclidean'
  }

  /** Bucket width: the option's, or what `fit` chose; undefined before. Held as float32. */
  get r(): number | undefined {
    return call(() => (nativeOf(this) as NativeLshIndex).r) ?? undefined
  }
}

/** Both ways of calling a constructor, checked. */
function readOptions(
  first: L2Options | number | undefined,
  nHashTables: number | undefined,
  rest: L2Options | undefined,
  known: readonly string[],
): { seed: number } & L2Options {
  let given: L2Options
  if (typeof first === 'number') {
    const own = known.filter((key) => key !== 'nProjections' && key !== 'nHashTables')
    given = { ...checkOptions('options', rest, own), nProjections: first }
    if (nHashTables !== undefined) given.nHashTables = nHashTables
  } else {
    given = checkOptions('options', first, known)
    if (nHashTables !== undefined || rest !== undefined) {
      throw argumentError('options', 'further arguments behind an options object', 'one options object')
    }
  }
  const options = {
    nProjections: optionalInteger('nProjections', given.nProjections, 1, 64),
    nHashTables: optionalInteger('nHashTables', given.nHashTables, 1, 10_000),
    bucketSize: optionalInteger('bucketSize', given.bucketSize, 1, MAX_COUNT),
    dim: optionalInteger('dim', given.dim, 1, MAX_DIM),
    seed: optionalInteger('seed', given.seed, 0, Number.MAX_SAFE_INTEGER) ?? 0,
    r: optionalPositive('r', given.r),
  }
  if (options.bucketSize !== undefined && options.nProjections !== undefined) {
    throw argumentError('bucketSize', `${show(options.bucketSize)} beside nProjections`, 'one of the two')
  }
  return present(options)
}

function readSearchOptions(options: Partial<SearchOptions>): { k: number; filter: CheckedFilter } {
  return { k: neighborCount(options.k), filter: readFilter(options.filter) }
}

function readPredictOptions(options: PredictOptions): { topK: number; bound: number | undefined; vectors: boolean } {
  return {
    topK: options.topK === undefined ? 5 : integer('topK', options.topK, 1, MAX_COUNT),
    bound: optionalInteger('bound', options.bound, 1, MAX_COUNT),
    vectors: !flag('onlyIndex', options.onlyIndex),
  }
}
