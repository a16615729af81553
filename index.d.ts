/// <reference lib="esnext.disposable" />
// Generated from bindings/ts by "npm run build".

/** One query's row of {@link Neighbors}. */
interface Row {
  /** Ids of the neighbours, nearest first. */
  readonly ids: Uint32Array;
  /** Their distances, ascending; equal distances are ordered by id. */
  readonly distances: Float32Array;
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
declare class Neighbors implements Iterable<Row> {
  /** Places per query. */
  readonly k: number;
  /** Queries. */
  readonly length: number;
  /** `length * k` ids; places behind a row's count are 0. May share its buffer with `distances`. */
  readonly ids: Uint32Array;
  /** `length * k` distances. */
  readonly distances: Float32Array;
  /** Neighbours found, per query: fewer than k when fewer candidates were met. */
  readonly counts: Uint32Array;
  /**
   * The neighbours of query i, as views into `ids` and `distances`. A negative i counts from the end.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT when there is no such query.
   */
  at(i: number): Row;
  /** The rows, one by one. */
  [Symbol.iterator](): IterableIterator<Row>;
  /** Plain arrays for JSON. */
  toJSON(): {
    k: number;
    length: number;
    ids: number[];
    distances: number[];
    counts: number[];
  };
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
declare class QueryResult {
  #private;
  /** Ids of the neighbours, nearest first. */
  readonly index: Uint32Array;
  /** Their distances, ascending; equal distances are ordered by id. */
  readonly distances: Float32Array;
  /** Distinct points met in the probed buckets, before ranking. 0: nothing collided. */
  readonly nCollisions: number;
  /** The neighbours themselves; undefined with `onlyIndex`. */
  get vectors(): readonly Float32Array[] | undefined;
  /** Plain arrays for JSON. */
  toJSON(): {
    index: number[];
    distances: number[];
    nCollisions: number;
    vectors?: number[][];
  };
}

/** A call that can be stopped. */
interface Cancellable {
  /**
   * Stops the work, also while it runs or is still waiting for a thread. The promise rejects with `signal.reason`, and
   * what the call was changing is as it was. A signal that comes too late for that changes nothing.
   */
  signal?: AbortSignal;
}
/** How far a call has come. */
interface Progress {
  /** What is being done, for instance `'hash'`. */
  stage: string;
  /** Units of the stage that are finished. */
  done: number;
  /** Units of the stage in all; 0 before the work has begun. */
  total: number;
}

/**
 * Ids of points: listed, in any order, or as one bit an id: bit `id % 8`, the lowest first, of byte `id >> 3` of a
 * `Uint8Array`. Ids that no point has, and those behind the last byte, are no error.
 */
type Ids = Uint32Array | readonly number[] | Uint8Array;
/** Points that may be returned, or that must not be. */
type Filter = {
  allow: Ids;
  deny?: never;
} | {
  deny: Ids;
  allow?: never;
};

/**
 * Numbers. `Uint8Array`, `Uint8ClampedArray`, `Int8Array`, `Int16Array`, and a `Uint16Array` without values above
 * 32767 keep their type inside an index, which takes less memory; the rest becomes float32 once. The type changes
 * nothing else: the same numbers give the same answers.
 */
type NumericArray = Float32Array | Float64Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | readonly number[];
/** A row-major matrix, the shape that npyjs and ndarray-like libraries return. */
interface Matrix {
  readonly data: NumericArray;
  readonly shape: readonly [rows: number, dim: number];
}
/**
 * One or more vectors: a {@link Matrix}, an array of rows, or one flat array whose length is a multiple of the vector
 * length (known from the option `dim` or from `fit`). One flat array of exactly that length is one vector.
 *
 * NaN, infinities (also a float64 beyond float32's range), ragged rows and a wrong length are refused, with the row
 * and column in the message. The numbers are read once, when the call is made, and neither kept nor changed. Arrays
 * over a SharedArrayBuffer are copied first.
 */
type Vectors = Matrix | NumericArray | readonly NumericArray[];

/** What near means. The distance of `'cosine'` is 1 - similarity, from 0 to 2. Both sort ascending. */
type Metric = 'euclidean' | 'cosine';
/** Options of the calls that take in points. */
interface FitOptions extends Cancellable {
  /**
   * Called about 20 times a second while the work runs, and once when it is done. An exception thrown in it stops the
   * work and rejects the promise.
   */
  onProgress?: (progress: Progress) => void;
}
/** Options of `search` and `evaluate`. */
interface SearchOptions extends Cancellable {
  /** Neighbours wanted per query; default 10. */
  k?: number;
  /** Return only some of the points; `counts` tells how many there were. */
  filter?: Filter;
}
/** How well and how fast an index answers, see {@link VectorIndex.evaluate}. */
interface Evaluation {
  /** Mean share of the k nearest points that search found, 0 to 1. A point as near as the k-th counts. */
  recall: number;
  /** Lower end of the recall's 95 % interval. */
  low: number;
  /** Upper end of the recall's 95 % interval. */
  high: number;
  /** 5th percentile of the recall of single queries. */
  p5: number;
  /** Microseconds that search takes a query, with all threads. */
  microsPerQuery: number;
  /** Microseconds that exact search takes a query, with all threads. */
  exactMicrosPerQuery: number;
}
/**
 * What every index can do. Heavy calls are promises worked off the event loop, each with a blocking `...Sync` twin.
 * While points are taken in, queries answer from the points before.
 */
declare abstract class VectorIndex {
  #private;
  /** What its distances are. */
  abstract readonly metric: Metric;
  /** Points in the index. */
  get size(): number;
  /** Vector length: the option's, or that of the fitted points; undefined before. */
  get dim(): number | undefined;
  /**
   * Replace the points of the index by these, and choose what the options left open. Ids are the rows' numbers.
   *
   * @throws NearhashError ERR_NEARHASH_BUSY while another change of this index runs; ERR_NEARHASH_DIMENSION for vectors
   * of another length than the option `dim`; ERR_NEARHASH_ZERO_VECTOR where the metric is cosine;
   * ERR_NEARHASH_NOT_FINITE; ERR_NEARHASH_ARGUMENT for no vectors or what is no vectors. The index is then as it was.
   * Here as in all promised calls, errors are rejections.
   */
  fit(x: Vectors, options?: FitOptions): Promise<this>;
  /** {@link fit}, blocking. */
  fitSync(x: Vectors): this;
  /**
   * The k nearest per query, as flat typed arrays.
   *
   * @throws NearhashError ERR_NEARHASH_NOT_FITTED, ERR_NEARHASH_DIMENSION, ERR_NEARHASH_NOT_FINITE,
   * ERR_NEARHASH_ZERO_VECTOR, ERR_NEARHASH_ARGUMENT.
   */
  abstract search(x: Vectors, options?: SearchOptions): Promise<Neighbors>;
  /** {@link search}, blocking. One query in a typed array costs next to nothing beside the search itself. */
  abstract searchSync(x: Vectors, options?: Omit<SearchOptions, 'signal'>): Neighbors;
  /**
   * Add one point to a fitted index, or to an empty one whose options leave nothing open (`dim`, `nProjections`,
   * `nHashTables`, for L2 `r`).
   *
   * @returns Its id. Ids follow on and are never reused.
   */
  storeVec(v: NumericArray): number;
  /**
   * Add points, see {@link storeVec}.
   *
   * @returns Their ids, in input order.
   */
  storeVecs(x: Vectors, options?: FitOptions): Promise<Uint32Array>;
  /** {@link storeVecs}, blocking. */
  storeVecsSync(x: Vectors): Uint32Array;
  /**
   * Remove the point of this id, or all points equal to this vector.
   *
   * @returns How many went; 0 when there was none.
   */
  deleteVec(target: number | NumericArray): number;
  /**
   * Replace the vector behind an id.
   *
   * @throws NearhashError ERR_NEARHASH_UNKNOWN_ID when there is no such point.
   */
  updateVec(id: number, v: NumericArray): void;
  /** The vector behind an id; undefined when there is no such point. */
  getVec(id: number): Float32Array | undefined;
  /**
   * Recall and time of {@link search} on these queries, against exact search on the same points in the same run.
   *
   * @example
   * const index = await new L2({ nProjections: 4, nHashTables: 8, r: 4 }).fit([[0, 0], [1, 0], [0, 1], [9, 9]])
   * const { recall, low, high } = await index.evaluate([[0.75, 0], [9, 8]], { k: 2 })
   * console.log(`recall@2 ${recall} (${low.toFixed(2)} to ${high.toFixed(2)})`)
   * // recall@2 0.75 (0.26 to 1.00)
   */
  abstract evaluate(queries: Vectors, options?: SearchOptions): Promise<Evaluation>;
  /** {@link evaluate}, blocking. */
  abstract evaluateSync(queries: Vectors, options?: Omit<SearchOptions, 'signal'>): Evaluation;
  /** Forget the points, keep the options. */
  reset(): this;
  /**
   * Give native memory back now, instead of when the object is collected. Work under way ends undisturbed; later calls
   * throw ERR_NEARHASH_DISPOSED, except another `dispose`.
   */
  dispose(): void;
  /** {@link dispose}, for `using`. */
  [Symbol.dispose](): void;
}

/** Options of {@link Index}. */
interface IndexOptions {
  /** Default `'euclidean'`. */
  metric?: Metric;
  /** Vector length, 1 to 1,048,576. Left out: taken from `fit`. */
  dim?: number;
  /**
   * Mean recall that `search` aims at, above 0 to 1; default 0.95. It is calibrated by `fit` on the points themselves; 1
   * means exact answers.
   */
  recall?: number;
  /** Neighbours that a search gives when it doesn't say how many; default 10. */
  k?: number;
  /**
   * Rounds that move each point to its nearest bucket, 0 to 64. 0: buckets are hash buckets, nothing else. Left out:
   * chosen from the data by `fit`.
   */
  settle?: number;
  /**
   * An integer from 0 to 2^53 - 1; default 0. Same seed, same options, same data: same index and same answers, on every
   * platform and with any number of threads.
   */
  seed?: number;
}
/** Options of `search` and `evaluate` of {@link Index}. */
interface IndexSearchOptions extends SearchOptions {
  /** Neighbours wanted per query; default: that of the index. */
  k?: number;
  /** Mean recall to aim at in this call, above 0 to 1; default: that of the index. */
  recall?: number;
  /** Instead of recall: visit this many buckets, from 1. */
  probes?: number;
}
/**
 * What an {@link Index} looks like, as plain JSON. From `projection` on it is what `fit` chose, and left out where all
 * points are compared with every query: before `fit`, and for few points.
 */
interface IndexDescription {
  family: 'adaptive';
  metric: Metric;
  /** Points. */
  size: number;
  /** Vector length. */
  dim?: number;
  /** Mean recall that `search` aims at when it isn't told. */
  recall: number;
  /** Neighbours that `search` gives when it isn't told. */
  k: number;
  seed: number;
  /** Native memory of points, codes and buckets. */
  memoryBytes: number;
  /** Points in no bucket, which every query is compared with: those stored since `fit`, or all of few. */
  open: number;
  /** Leading directions of the points that they are projected on. */
  projection?: {
    axes: number;
  };
  /** Buckets that hold a point, their sizes, and the rounds that moved each point to its nearest one. */
  buckets?: {
    count: number;
    meanBucketSize: number;
    maxBucketSize: number;
    settle: number;
  };
  /** Bits of a code, an axis (2, 4 or 7), and bytes a vector takes beside its own numbers. */
  codes?: {
    bits: number;
    bytesPerVector: number;
  };
  /** Buckets that `search` scans for a mean recall, in the mean, by k. */
  calibration?: {
    k: number;
    recall: number;
    probes: number;
  }[];
}
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
declare class Index extends VectorIndex {
  #private;
  readonly metric: Metric;
  /** Mean recall that `search` aims at. */
  readonly recall: number;
  /** Neighbours that a search gives when it doesn't say how many. */
  readonly k: number;
  /**
   * An empty index. All options are optional.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT for an option that is not allowed or not known.
   */
  constructor(options?: IndexOptions);
  search(x: Vectors, options?: IndexSearchOptions): Promise<Neighbors>;
  searchSync(x: Vectors, options?: Omit<IndexSearchOptions, 'signal'>): Neighbors;
  evaluate(queries: Vectors, options?: IndexSearchOptions): Promise<Evaluation>;
  evaluateSync(queries: Vectors, options?: Omit<IndexSearchOptions, 'signal'>): Evaluation;
  /** Options, memory, and what `fit` chose: projection, buckets, codes and calibration. */
  describe(): IndexDescription;
  /** {@link describe}. */
  toJSON(): IndexDescription;
}

/** Options of both classes. */
interface LshOptions {
  /** Hash functions per table (k), 1 to 64. More: smaller buckets. Left out: chosen from the data by `fit`. */
  nProjections?: number;
  /** Hash tables (L), 1 to 10,000. More: higher recall, more memory. Left out: chosen from the data by `fit`. */
  nHashTables?: number;
  /**
   * Instead of nProjections: aim at this many points a bucket, k = floor(log2(rows / bucketSize)), at least 1.
   */
  bucketSize?: number;
  /** Vector length. Left out: taken from `fit`. */
  dim?: number;
  /**
   * An integer from 0 to 2^53 - 1; default 0. Same seed, same options, same data: same index and same answers, on every
   * platform and with any number of threads.
   */
  seed?: number;
}
/** Options of {@link L2}. */
interface L2Options extends LshOptions {
  /**
   * Bucket width in the data's own units; about 4 when data is scaled by the distance of interest. Left out: chosen
   * from the data by `fit`.
   */
  r?: number;
}
/** Options of `predict`. */
interface PredictOptions extends Cancellable {
  /** Neighbours wanted per query; default 5. */
  topK?: number;
  /** Leave `vectors` out of the results; default false. */
  onlyIndex?: boolean;
  /** Look at no more than this many candidates, those of the most likely buckets first; default: at all candidates. */
  bound?: number;
}
/** What an index looks like, as plain JSON. What `fit` chooses is left out before it. */
interface Description {
  family: 'srp' | 'l2';
  /** Points. */
  size: number;
  /** Vector length. */
  dim?: number;
  /** Hash functions per table. */
  nProjections?: number;
  /** Hash tables. */
  nHashTables?: number;
  /** Bucket width, of L2 only. */
  r?: number;
  seed: number;
  probing: {
    kind: 'base';
  } | {
    kind: 'multi-probe';
    budget: number;
  };
  /** Native memory of points, tables, hyperplanes and codes. */
  memoryBytes: number;
  /** Every table, of the points that it was built with. */
  tables: TableDescription[];
}
/** One hash table. */
interface TableDescription {
  /** Buckets that hold a point. */
  buckets: number;
  /** Points in such a bucket, on average. */
  meanBucketSize: number;
  /** Points in the fullest bucket. */
  maxBucketSize: number;
  /**
   * SRP: share of the 2^k possible buckets that hold no point. L2, whose buckets have no bound: 1 - buckets / points.
   */
  emptyShare: number;
}
/** Hash values, row-major. */
interface Hashes {
  /** Value of projection p in table t for row i at `(i * nHashTables + t) * nProjections + p`. */
  data: Int32Array;
  shape: [rows: number, nHashTables: number, nProjections: number];
}
/**
 * Several hash tables, multi-probe, exact ranking of every candidate. Theory holds as in the papers, see {@link stats}.
 */
declare abstract class LshIndex extends VectorIndex {
  #private;
  /** Hash functions per table: the option's, or what `fit` chose; undefined before. */
  get nProjections(): number | undefined;
  /** Hash tables: the option's, or what `fit` chose; undefined before. */
  get nHashTables(): number | undefined;
  search(x: Vectors, options?: SearchOptions): Promise<Neighbors>;
  searchSync(x: Vectors, options?: Omit<SearchOptions, 'signal'>): Neighbors;
  evaluate(queries: Vectors, options?: SearchOptions): Promise<Evaluation>;
  evaluateSync(queries: Vectors, options?: Omit<SearchOptions, 'signal'>): Evaluation;
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
  predict(x: Vectors, options?: PredictOptions): Promise<QueryResult[]>;
  /** {@link predict}, blocking. */
  predictSync(x: Vectors, options?: Omit<PredictOptions, 'signal'>): QueryResult[];
  /** Probe the home bucket of every table only (the default). */
  base(): this;
  /**
   * Probe `budget` more buckets a table, 0 to 1,000,000: of all tables together the `budget * nHashTables` most likely
   * ones. Kept across `fit`. 0 equals {@link base}.
   */
  multiProbe(budget: number): this;
  /** Candidates without ranking: ids of the points that share a probed bucket with the vector, ascending. */
  queryBucketIdx(v: NumericArray): Uint32Array;
  /** The vectors of these candidates, in the same order. */
  queryBucket(v: NumericArray): Float32Array[];
  /**
   * The hash of each vector in each table: bits for SRP, bucket numbers for L2.
   *
   * @example
   * const index = await new SRP({ nProjections: 4, nHashTables: 1 }).fit([[1, 2], [-2, 1], [1, 3]])
   * console.log(index.hash([1, 2]))
   * // { data: Int32Array(4) [ 1, 0, 1, 1 ], shape: [ 1, 1, 4 ] }
   */
  hash(x: Vectors): Hashes;
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
  buckets(table: number): Map<string, Uint32Array>;
  /** Parameters, probing, memory and the shape of every table. */
  describe(): Description;
  /** {@link describe}. */
  toJSON(): Description;
}
/** Sign random projections: cosine distance. */
declare class SRP extends LshIndex {
  /**
   * An empty index. All options are optional: `new SRP()` lets `fit` choose.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT for an option that is not allowed or not known.
   */
  constructor(options?: LshOptions);
  /** The same with floky's first two arguments. */
  constructor(nProjections: number, nHashTables?: number, options?: Omit<LshOptions, 'nProjections' | 'nHashTables'>);
  get metric(): Metric;
}
/** p-stable projections: Euclidean distance. */
declare class L2 extends LshIndex {
  /**
   * An empty index. All options are optional: `new L2()` lets `fit` choose.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT for an option that is not allowed or not known.
   */
  constructor(options?: L2Options);
  /** The same with floky's first two arguments. */
  constructor(nProjections: number, nHashTables?: number, options?: Omit<L2Options, 'nProjections' | 'nHashTables'>);
  get metric(): Metric;
  /** Bucket width: the option's, or what `fit` chose; undefined before. Held as float32. */
  get r(): number | undefined;
}

/** Words of hash tables, as plain JSON. */
interface LshTokensDescription {
  kind: 'srp' | 'l2';
  /** Of the words: the same version makes the same words of the same tables. */
  version: number;
  dim: number;
  metric: Metric;
  nProjections: number;
  nHashTables: number;
  /** Bucket width, of L2 only. */
  r?: number;
  seed: number;
  modelHash: string;
}
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
declare class LshTokens implements VectorTokens {
  #private;
  /**
   * The words of an index that was fitted, or whose options leave nothing open: `dim`, `nProjections`, `nHashTables`, for
   * L2 `r`. A later `fit` of the index does not change them.
   *
   * @throws NearhashError ERR_NEARHASH_NOT_FITTED for any other index.
   */
  constructor(index: SRP | L2);
  get kind(): 'srp' | 'l2';
  get dim(): number;
  get metric(): Metric;
  get modelHash(): string;
  get wordsPerVector(): number;
  get probes(): number;
  queryWordCount(probes?: number): number;
  /**
   * The words of each vector, in the order of the tables.
   *
   * @throws NearhashError ERR_NEARHASH_DIMENSION, ERR_NEARHASH_NOT_FINITE, ERR_NEARHASH_ZERO_VECTOR where the metric is
   * cosine, ERR_NEARHASH_ARGUMENT.
   */
  encode(x: Vectors, options?: Cancellable): Promise<string[][]>;
  encodeSync(x: Vectors): string[][];
  /**
   * The vector's own bucket of every table, then the `probes * nHashTables` likeliest others, likeliest first.
   *
   * @throws NearhashError as {@link encode}.
   */
  encodeQuery(v: NumericArray, options?: EncodeQueryOptions): QueryWords;
  describe(): LshTokensDescription;
  /** {@link describe}. */
  toJSON(): LshTokensDescription;
}

/** Words of a query, and the boost of each. */
interface QueryWords {
  /** Each once. */
  words: string[];
  /** As many, finite and not negative. Float32, which is what search engines keep of a boost. */
  weights: Float32Array;
}
/** Options of `encodeQuery`. */
interface EncodeQueryOptions {
  /**
   * `ClusterTokens`: nearest clusters of every group, 1 to 65,536; default: what training chose.
   * `LshTokens`: further buckets a table, 0 to 10,000; default 0.
   */
  probes?: number;
}
/** What turns vectors into words: `ClusterTokens` or `LshTokens`. */
interface VectorTokens {
  readonly kind: 'cluster-tokens' | 'srp' | 'l2';
  /** Vector length. */
  readonly dim: number;
  /** What near means, and what to rank candidates by. */
  readonly metric: Metric;
  /** SHA-256, 64 hexadecimal digits. The same hash: the same words for the same vectors. */
  readonly modelHash: string;
  /** Words of one vector; all are different. */
  readonly wordsPerVector: number;
  /** What `encodeQuery` takes for `probes` when it is left out. */
  readonly probes: number;
  /** How many words a query has, at most, with so many probes. */
  queryWordCount(probes?: number): number;
  /** The words of each vector, rows x {@link wordsPerVector}. */
  encode(x: Vectors, options?: Cancellable): Promise<string[][]>;
  /** {@link encode}, blocking. */
  encodeSync(x: Vectors): string[][];
  /** The words that a query asks for, and their weights. */
  encodeQuery(v: NumericArray, options?: EncodeQueryOptions): QueryWords;
  /** Parameters and origin, as small plain JSON. */
  describe(): ClusterTokensDescription | LshTokensDescription;
}
/**
 * Sum of the weights of the query's words that a document has. A search engine's score is this, rounded to float32,
 * where a matching term counts its boost and nothing else (`similarity: boolean`).
 *
 * @example
 * console.log(weightedOverlap({ words: ['0-3', '1-7'], weights: new Float32Array([0.5, 2]) }, ['0-4', '1-7']))
 * // 2
 */
declare function weightedOverlap(query: QueryWords, documentWords: readonly string[]): number;

/** Options of {@link ClusterTokens.train}. */
interface ClusterTokensOptions {
  /**
   * Groups that the dimensions are cut into: words a vector. 1 to 4,096, and no more than dimensions. Default: dim / 10,
   * but 16 to 256.
   */
  groups?: number;
  /**
   * Clusters of every group, 1 to 65,536; default 256. More make shorter posting lists and need more probes; 1,024 suits
   * a million documents. A group in which fewer vectors differ gets fewer.
   */
  clusters?: number;
  /** Default `'euclidean'`. With `'cosine'` vectors are brought to length 1 first. */
  metric?: Metric;
  /**
   * Whether vectors are rotated at random before they are cut. Default `'auto'`: both ways are trained, and the one that
   * finds more of the held-out vectors' neighbours is kept.
   */
  rotation?: 'auto' | 'random' | 'none';
  /**
   * Nearest clusters of every group that queries ask for by default. Left out: the fewest that find .985 of the ten
   * nearest within 300 candidates for held-out vectors, as far as 896 words a query allow; more in a small collection,
   * where a query reads no more than 8,192 entries of posting lists for them.
   */
  probes?: number;
  /** Most vectors that k-means sees; default 20,000, or 64 a cluster where that is more. */
  sample?: number;
  /** Most iterations of k-means, 1 to 1,000; default 10. */
  iterations?: number;
  /** An integer from 0 to 2^53 - 1; default 0. Same seed, options and vectors: same model, on every platform. */
  seed?: number;
}
/** Options of {@link ClusterTokens.train} and of its call. */
interface TrainOptions extends ClusterTokensOptions, FitOptions {
}
/** Share of held-out vectors' true neighbours among the candidates that the words find. */
interface TokensRecall {
  /** Nearest clusters of every group that the queries asked for. */
  probes: number;
  /** Within the first 100 candidates. */
  within100: number;
  /** Within the first 300 candidates. */
  within300: number;
}
/** What vectors that k-means did not see say about a model. */
interface TokensValidation {
  /** True neighbours a query; ten. */
  neighbors: number;
  /** Held-out vectors, asked as queries. */
  queries: number;
  /** Vectors that were searched. */
  rows: number;
  /** For every number of probes that was tried, the last one being the default. */
  recalls: TokensRecall[];
}
/** A model of cluster tokens, as plain JSON. */
interface ClusterTokensDescription {
  kind: 'cluster-tokens';
  /** Of the words: the same version makes the same words of the same model. */
  version: number;
  dim: number;
  metric: Metric;
  groups: number;
  clusters: number;
  probes: number;
  rotation: 'random' | 'none';
  seed: number;
  /** Vectors given to training. */
  trainedOn: number;
  /** Left out when there were fewer than 100 vectors. */
  validation?: TokensValidation;
  modelHash: string;
  /** Native memory of the model. */
  memoryBytes: number;
}
/** Codes, row-major. */
interface Codes {
  /** The cluster of row i in group g at `i * groups + g`. Bytes as long as no group has more than 256 clusters. */
  data: Uint8Array | Uint16Array;
  shape: [rows: number, groups: number];
}
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
declare class ClusterTokens implements VectorTokens {
  #private;
  readonly kind = "cluster-tokens";
  private constructor();
  /**
   * Find the clusters for vectors like these; some ten thousand are enough, more sharpen the validation.
   *
   * 400 of them, or a tenth, are held out: they choose the rotation and the number of probes, see
   * {@link TokensValidation} for what they find.
   *
   * @throws NearhashError ERR_NEARHASH_ARGUMENT, ERR_NEARHASH_NOT_FINITE, ERR_NEARHASH_ZERO_VECTOR where the metric is
   * cosine.
   */
  static train(x: Vectors, options?: TrainOptions): Promise<ClusterTokens>;
  /** {@link train}, blocking. */
  static trainSync(x: Vectors, options?: ClusterTokensOptions): ClusterTokens;
  /**
   * A model that {@link save} wrote.
   *
   * @throws NearhashError ERR_NEARHASH_FORMAT when the file is no model, damaged, or of a later version; Node's own
   * error when it can't be read.
   */
  static load(path: string, options?: Cancellable): Promise<ClusterTokens>;
  /**
   * A model that {@link toBytes} wrote.
   *
   * @throws NearhashError ERR_NEARHASH_FORMAT when these are not such bytes, as {@link load}.
   */
  static fromBytes(bytes: Uint8Array): ClusterTokens;
  /** Write the model to a file. The file is complete or not there: it is written beside and then renamed. */
  save(path: string, options?: Cancellable): Promise<void>;
  /** The model as bytes with a version and a checksum, for {@link fromBytes}. */
  toBytes(): Uint8Array;
  get dim(): number;
  get metric(): Metric;
  get modelHash(): string;
  /** Words of a vector. */
  get groups(): number;
  /** Clusters of every group. */
  get clusters(): number;
  get wordsPerVector(): number;
  get probes(): number;
  queryWordCount(probes?: number): number;
  /**
   * The words of each vector, `3-14` for cluster 14 of group 3, in the order of the groups.
   *
   * @throws NearhashError ERR_NEARHASH_DIMENSION, ERR_NEARHASH_NOT_FINITE, ERR_NEARHASH_ZERO_VECTOR where the metric is
   * cosine, ERR_NEARHASH_ARGUMENT.
   */
  encode(x: Vectors, options?: Cancellable): Promise<string[][]>;
  encodeSync(x: Vectors): string[][];
  /** The words of each vector without the text: the cluster of every group. */
  encodeCodes(x: Vectors, options?: Cancellable): Promise<Codes>;
  /** {@link encodeCodes}, blocking. */
  encodeCodesSync(x: Vectors): Codes;
  /**
   * The `probes` nearest clusters of every group, group after group and nearest first, with their weights (in the data's
   * own units). The first of every group is the word that {@link encode} gives the same vector.
   *
   * @throws NearhashError as {@link encode}.
   */
  encodeQuery(v: NumericArray, options?: EncodeQueryOptions): QueryWords;
  describe(): ClusterTokensDescription;
  /** {@link describe}. */
  toJSON(): ClusterTokensDescription;
}

/**
 * Every error that nearhash throws or rejects with, except an AbortSignal's own reason.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ERR_NEARHASH_ARGUMENT` | an argument or option is not what is allowed |
 * | `ERR_NEARHASH_NOT_FINITE` | a NaN or an infinity in a vector |
 * | `ERR_NEARHASH_DIMENSION` | vectors of another length than the index holds |
 * | `ERR_NEARHASH_ZERO_VECTOR` | a vector without a direction where the metric is cosine |
 * | `ERR_NEARHASH_NOT_FITTED` | a call that needs points came before `fit` |
 * | `ERR_NEARHASH_UNKNOWN_ID` | no point has this id |
 * | `ERR_NEARHASH_BUSY` | a change while another change of the same index runs |
 * | `ERR_NEARHASH_CANCELLED` | the work was stopped because the process exits |
 * | `ERR_NEARHASH_FORMAT` | bytes or a file that should hold a saved model and do not, or not any more |
 * | `ERR_NEARHASH_DISPOSED` | a call after `dispose` |
 * | `ERR_NEARHASH_LOAD` | the native add-on could not be loaded |
 * | `ERR_NEARHASH_INTERNAL` | a defect of nearhash; please report it |
 *
 * @example
 * try {
 *   new SRP({ nProjections: 65 })
 * } catch (error) {
 *   console.log(error.code, '|', error.message)
 * }
 * // ERR_NEARHASH_ARGUMENT | nProjections: received 65, allowed: an integer from 1 to 64
 */
declare class NearhashError extends Error {
  readonly name = "NearhashError";
  /** Stable name for programs, `ERR_NEARHASH_...`. */
  readonly code: string;
  /** The argument, option or call that the error is about; may be empty. */
  readonly argument: string;
  /** What came in, as text. */
  readonly received: string;
  /** What would have been accepted, as text. */
  readonly allowed: string;
}

/** Options of `cdist`. */
interface CdistOptions extends Cancellable {
  /** Default `'euclidean'`. */
  metric?: Metric;
}
/** Options of `knn`. */
interface KnnOptions extends CdistOptions {
  /** Neighbours wanted per query; default 10. */
  k?: number;
}
/** A row-major matrix of distances. */
interface Distances {
  data: Float32Array;
  shape: [rows: number, columns: number];
}
/**
 * All distances between two sets, rows(a) x rows(b): what scipy's cdist returns. `cdist(x, x)` is the full matrix, its
 * diagonal exactly 0. Where only one of the two says how long its vectors are, the other may be a flat array.
 *
 * @throws NearhashError ERR_NEARHASH_DIMENSION, ERR_NEARHASH_NOT_FINITE, ERR_NEARHASH_ZERO_VECTOR where the metric is
 * cosine, ERR_NEARHASH_ARGUMENT (also for a result of more than 2^30 values).
 *
 * @example
 * console.log(await cdist([[0, 0], [3, 4]], [[0, 0], [0, 4], [3, 0]]))
 * // { data: Float32Array(6) [ 0, 4, 3, 5, 3, 4 ], shape: [ 2, 3 ] }
 */
declare function cdist(a: Vectors, b: Vectors, options?: CdistOptions): Promise<Distances>;
/** {@link cdist}, blocking. */
declare function cdistSync(a: Vectors, b: Vectors, options?: Omit<CdistOptions, 'signal'>): Distances;
/**
 * The exact k nearest rows of `data` for each query, ties to the lower row.
 *
 * @throws NearhashError as {@link cdist}.
 *
 * @example
 * const found = await knn([[0, 0], [3, 4], [6, 8]], [[3, 3]], { k: 2 })
 * console.log(found)
 * // Neighbors(1 query, k = 2) [
 * //   { ids: [ 1, 0 ], distances: [ 1, 4.242640495300293 ] }
 * // ]
 */
declare function knn(data: Vectors, queries: Vectors, options?: KnnOptions): Promise<Neighbors>;
/** {@link knn}, blocking. */
declare function knnSync(data: Vectors, queries: Vectors, options?: Omit<KnnOptions, 'signal'>): Neighbors;

/** What nearhash runs with. */
interface Runtime {
  /** Version of the package. */
  version: string;
  /**
   * Instruction set in use, the best that the CPU has: `'avx512vnni'`, `'avx512'`, `'avx2'` or `'portable'` on x64,
   * `'neondot'` (NEON and dot products of bytes), `'neon'` or `'portable'` on arm64. The environment variable
   * NEARHASH_CPU may name a lesser one. Answers don't depend on it.
   */
  cpu: string;
  /** Threads of the pool that heavy calls share. */
  threads: number;
}
/** Settings of the whole process. */
interface Configuration {
  /** Threads of the pool that heavy calls share, 1 to 1024. Answers don't depend on it. */
  threads?: number;
}
/**
 * What nearhash runs with.
 *
 * @example
 * const { version, cpu, threads } = runtime()
 * console.log(`nearhash ${version} with ${cpu} and ${threads} threads`)
 * // for instance: nearhash 0.1.0 with avx2 and 8 threads
 */
declare function runtime(): Runtime;
/**
 * Settings of the whole process, its worker threads included. The number of threads is, in this order: what was said
 * here last, the environment variable NEARHASH_THREADS, as many as the machine can run at once. Work under way goes on
 * with the threads it has.
 *
 * @example
 * configure({ threads: 2 })
 * console.log(runtime().threads)
 * // 2
 */
declare function configure(options: Configuration): void;

/** What theory says about collisions. Plain functions of numbers. */
declare namespace stats {
  /**
   * Probability that one p-stable hash of width r puts two points at this Euclidean distance together.
   *
   * @param r Bucket width, above 0.
   * @param distance From 0.
   * @example
   * console.log(stats.collisionProbL2(4, 1).toFixed(4))
   * // 0.8005
   */
  function collisionProbL2(r: number, distance: number): number;
  /**
   * Probability that one sign hash agrees for two vectors of this cosine similarity: 1 - angle / pi.
   *
   * @param similarity From -1 to 1.
   * @example
   * console.log(stats.collisionProbCosine(0))
   * // 0.5
   */
  function collisionProbCosine(similarity: number): number;
  /**
   * Probability of meeting in at least one of L tables of k hashes: 1 - (1 - p1^k)^L.
   *
   * @param p1 Collision probability of one hash, 0 to 1.
   * @param k Hashes per table, from 1.
   * @param l Tables, from 1.
   * @example
   * console.log(stats.detProbQuery(0.9, 10, 20).toFixed(4))
   * // 0.9998
   */
  function detProbQuery(p1: number, k: number, l: number): number;
  /**
   * Fewest tables for a success probability of 1 - delta.
   *
   * @param delta Allowed probability of missing, between 0 and 1.
   * @param p1 Collision probability of one hash, 0 to 1.
   * @param k Hashes per table, from 1.
   * @example
   * console.log(stats.estimateL(0.05, 0.9, 10))
   * // 7
   */
  function estimateL(delta: number, p1: number, k: number): number;
}

export { ClusterTokens, Index, L2, LshIndex, LshTokens, NearhashError, Neighbors, QueryResult, SRP, VectorIndex, cdist, cdistSync, configure, knn, knnSync, runtime, stats, weightedOverlap };
export type { Cancellable, CdistOptions, ClusterTokensDescription, ClusterTokensOptions, Codes, Configuration, Description, Distances, EncodeQueryOptions, Evaluation, Filter, FitOptions, Hashes, Ids, IndexDescription, IndexOptions, IndexSearchOptions, KnnOptions, L2Options, LshOptions, LshTokensDescription, Matrix, Metric, NumericArray, PredictOptions, Progress, QueryWords, Row, Runtime, SearchOptions, TableDescription, TokensRecall, TokensValidation, TrainOptions, VectorTokens, Vectors };
