import { ask, call, type Cancellable } from './calls.js'
import { native } from './native.js'
import { checkOptions, oneOf } from './options.js'
import { Neighbors, toNeighbors } from './results.js'
import { METRICS, neighborCount, type Metric } from './vector-index.js'
import { isFlat, readVectors, type Rows, type Vectors } from './vectors.js'

/** Options of `cdist`. */
export interface CdistOptions extends Cancellable {
  /** Default `'euclidean'`. */
  metric?: Metric
}

/** Options of `knn`. */
export interface KnnOptions extends CdistOptions {
  /** Neighbours wanted per query; default 10. */
  k?: number
}

/** A row-major matrix of distances. */
export interface Distances {
  data: Float32Array
  shape: [rows: number, columns: number]
}

const CDIST_OPTIONS = ['metric', 'signal'] as const
const KNN_OPTIONS = ['k', ...CDIST_OPTIONS] as const

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
export function cdist(a: Vectors, b: Vectors, options?: CdistOptions): Promise<Distances> {
  return ask(options, CDIST_OPTIONS, (control, { metric }) => {
    const [left, right] = readPair('a', a, 'b', b)
    return native.cdist(left.values, left.dim, right.values, right.dim, metricName(metric), control)
  }) as Promise<Distances>
}

/** {@link cdist}, blocking. */
export function cdistSync(a: Vectors, b: Vectors, options?: Omit<CdistOptions, 'signal'>): Distances {
  return call(() => {
    const { metric } = checkOptions('options', options, ['metric'])
    const [left, right] = readPair('a', a, 'b', b)
    return native.cdistSync(left.values, left.dim, right.values, right.dim, metricName(metric)) as Distances
  })
}

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
export function knn(data: Vectors, queries: Vectors, options?: KnnOptions): Promise<Neighbors> {
  return ask(options, KNN_OPTIONS, (control, { k, metric }) => {
    const [points, asked] = readPair('data', data, 'queries', queries)
    const count = neighborCount(k)
    return native.knn(points.values, points.dim, asked.values, asked.dim, count, metricName(metric), control)
  }).then(toNeighbors)
}

/** {@link knn}, blocking. */
export function knnSync(data: Vectors, queries: Vectors, options?: Omit<KnnOptions, 'signal'>): Neighbors {
  return call(() => {
    const { k, metric } = checkOptions('options', options, ['k', 'metric'])
    const [points, asked] = readPair('data', data, 'queries', queries)
    const count = neighborCount(k)
    return new Neighbors(native.knnSync(points.values, points.dim, asked.values, asked.dim, count, metricName(metric)))
  })
}

function metricName(metric: unknown): Metric {
  return oneOf('metric', metric, METRICS, 'euclidean')
}

/** Two sets of vectors. The length of one that is flat is that of the other. */
function readPair(nameA: string, a: Vectors, nameB: string, b: Vectors): [Rows, Rows] {
  if (isFlat(a) && !isFlat(b)) {
    const right = readVectors(nameB, b, undefined)
    return [readVectors(nameA, a, right.dim), right]
  }
  const left = readVectors(nameA, a, undefined)
  return [left, readVectors(nameB, b, left.dim)]
}
