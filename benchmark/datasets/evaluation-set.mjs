import { readdir, readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { basename, join } from 'node:path'
import { firstRows, readCollection } from './collection.mjs'
import { DataError } from './data-error.mjs'

/**
 * @typedef {import('./collection.mjs').Matrix} Matrix
 * @typedef {'euclidean' | 'cosine'} Metric
 */

/**
 * Points, held-out queries, and where known their exact neighbours.
 *
 * @typedef {object} EvaluationSet
 * @property {string} name
 * @property {Metric} metric of the neighbours
 * @property {Matrix} base
 * @property {Matrix} queries
 * @property {Matrix} [neighbours] row i: rows of base, nearest to query i first
 */

export const METRICS = /** @type {const} */ (['euclidean', 'cosine'])
const BUNDLED = fileURLToPath(new URL('../data/photo-histograms-64-32000.npy', import.meta.url))

/**
 * @param {string} folder
 * @returns {Promise<string[]>} paths of the folders in it that hold a base.npy, by name
 * @throws {DataError} when there is none
 */
export async function findSets(folder) {
  const names = (await readdir(folder)).sort()
  const paths = names.map((name) => join(folder, name))
  const found = await Promise.all(paths.map((path) => exists(join(path, 'base.npy'))))
  const sets = paths.filter((_, place) => found[place])
  if (sets.length === 0) throw new DataError(`${folder}: holds no folder with a base.npy, queries.npy and neighbors.npy`)
  return sets
}

/**
 * @param {string} folder
 * @param {{ queries: number, metric?: Metric, signal?: AbortSignal }} options at most so many queries; a metric that overrides the set's own
 * @returns {Promise<EvaluationSet>}
 * @throws {DataError}
 */
export async function readSet(folder, { queries: most, metric, signal }) {
  const base = await readCollection(join(folder, 'base.npy'), { signal })
  const queries = await readCollection(join(folder, 'queries.npy'), { signal })
  const neighbours = await readCollection(join(folder, 'neighbors.npy'), { signal })
  const [rows, dim] = base.shape
  if (queries.shape[1] !== dim) {
    throw new DataError(`${queries.path}: queries have ${queries.shape[1]} columns, ${base.path} has ${dim}`)
  }
  if (neighbours.shape[0] !== queries.shape[0]) {
    throw new DataError(`${neighbours.path}: has ${neighbours.shape[0]} rows, ${queries.path} has ${queries.shape[0]}`)
  }
  const outside = neighbours.data.findIndex((/** @type {number} */ id) => !(Number.isInteger(id) && id >= 0 && id < rows))
  if (outside !== -1) throw new DataError(`${neighbours.path}: ${neighbours.data[outside]} is no row of ${base.path}, which has ${rows}`)

  const count = Math.min(most, queries.shape[0])
  return {
    name: basename(folder),
    metric: metric ?? await readMetric(folder) ?? guessMetric(base),
    base: { data: base.data, shape: base.shape },
    queries: firstRows(queries, count),
    neighbours: firstRows(neighbours, count),
  }
}

/**
 * @param {EvaluationSet} set
 * @param {number} most
 * @returns {EvaluationSet} the same with at most so many of its queries, sharing memory
 */
export function firstQueries(set, most) {
  const count = Math.min(most, set.queries.shape[0])
  return {
    ...set,
    queries: firstRows(set.queries, count),
    ...(set.neighbours === undefined ? {} : { neighbours: firstRows(set.neighbours, count) }),
  }
}

/**
 * The bundled photo histograms, the first rows held out as queries.
 *
 * @param {{ queries: number, metric?: Metric, signal?: AbortSignal }} options
 * @returns {Promise<EvaluationSet>}
 */
export async function readBundledSet({ queries: most, metric = 'euclidean', signal }) {
  const { data, shape: [rows, dim] } = await readCollection(BUNDLED, { signal })
  const count = Math.min(most, 1000)
  return {
    name: `${basename(BUNDLED, '.npy')} (bundled)`,
    metric,
    base: { data: data.subarray(count * dim), shape: [rows - count, dim] },
    queries: { data: data.subarray(0, count * dim), shape: [count, dim] },
  }
}

/** @param {string} folder @returns {Promise<Metric | undefined>} what metric.txt says */
async function readMetric(folder) {
  const path = join(folder, 'metric.txt')
  if (!await exists(path)) return undefined
  const text = (await readFile(path, 'utf8')).trim()
  const metric = METRICS.find((name) => name === text)
  if (metric === undefined) throw new DataError(`${path}: says ${JSON.stringify(text)}; ${METRICS.join(' or ')} is needed`)
  return metric
}

/**
 * @param {Matrix} base
 * @returns {Metric} cosine for floating-point rows of length 1, else Euclidean
 */
function guessMetric({ data, shape: [rows, dim] }) {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return 'euclidean'
  for (let row = 0; row < rows; row++) {
    let square = 0
    for (let place = row * dim; place < (row + 1) * dim; place++) square += data[place] ** 2
    if (Math.abs(square - 1) > 1e-3) return 'euclidean'
  }
  return 'cosine'
}

/** @param {string} path */
async function exists(path) {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false
    throw error
  }
}
