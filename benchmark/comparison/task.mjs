import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { knnSync } from 'nearhash'
import { firstRows } from '../datasets/collection.mjs'
import { DataError } from '../datasets/data-error.mjs'
import { writeNpy } from '../datasets/npy.mjs'
import { Truth } from '../measure/found-neighbours.mjs'

/**
 * @typedef {import('../datasets/collection.mjs').Matrix} Matrix
 * @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet
 */

/** Deepest recall that is measured. */
const DEPTH = 100

/** Queries that recall stands on; further ones are for the throughput of batches. */
export const JUDGED_QUERIES = 1000

/**
 * Points, queries, exact neighbours, and the files that workers read them from.
 *
 * @typedef {object} ComparisonTask
 * @property {string} name
 * @property {'euclidean' | 'cosine'} metric
 * @property {string} type of the points' numbers
 * @property {number} rows
 * @property {number} dim
 * @property {number} queries there are
 * @property {number} judged of these, the first
 * @property {Truth} truth of the judged ones
 * @property {Omit<import('../rivals/rival.mjs').Material, 'threads' | 'scratch'>} files
 */

/**
 * @param {EvaluationSet} set
 * @param {{ folder: string, mostRows?: number, mostJudged: number }} options a folder for the files; how many of the rows and queries to take
 * @returns {Promise<ComparisonTask>}
 */
export async function createTask(set, { folder, mostRows = Number.POSITIVE_INFINITY, mostJudged }) {
  const { name, metric, queries } = set
  const isPart = set.base.shape[0] > mostRows
  const base = isPart ? firstRows(set.base, mostRows) : set.base
  const [rows, dim] = base.shape
  const judged = Math.min(mostJudged, queries.shape[0])
  const depth = Math.min(DEPTH, rows)
  if (depth < 10) throw new DataError(`${name}: ${rows} points are too few to compare searches on; 10 are needed`)
  const given = isPart ? undefined : set.neighbours
  const neighbours = given ? firstRows(given, judged) : exactNeighbours(base, firstRows(queries, judged), depth, metric)
  await mkdir(folder, { recursive: true })

  const [points, floatPoints] = await writeTwice(join(folder, 'points'), base, metric)
  const [asked, floatQueries] = await writeTwice(join(folder, 'queries'), queries, metric)
  const files = { metric, points, queries: asked, floatPoints, floatQueries }
  return {
    name, metric, rows, dim, judged, files,
    type: base.data.constructor.name.replace('Array', '').toLowerCase(),
    queries: queries.shape[0],
    truth: new Truth(base, queries, neighbours, metric),
  }
}

/**
 * @param {string} path without an ending
 * @param {Matrix} matrix
 * @param {'euclidean' | 'cosine'} metric
 * @returns {Promise<[asGiven: string, asFloats: string]>} paths; of one file where both are the same
 */
async function writeTwice(path, matrix, metric) {
  const asGiven = `${path}.npy`
  await writeNpy(asGiven, matrix)
  if (matrix.data instanceof Float32Array && metric === 'euclidean') return [asGiven, asGiven]
  const floats = `${path}-float.npy`
  await writeNpy(floats, asFloats(matrix, metric))
  return [asGiven, floats]
}

/**
 * @param {Matrix} base
 * @param {Matrix} queries
 * @param {number} k
 * @param {'euclidean' | 'cosine'} metric
 * @returns {Matrix} rows of base, nearest first
 */
export function exactNeighbours(base, queries, k, metric) {
  const { ids } = knnSync(base, queries, { k, metric })
  return { data: ids, shape: [queries.shape[0], k] }
}

/**
 * @param {Matrix} matrix
 * @param {'euclidean' | 'cosine'} metric
 * @returns {Matrix} single precision; rows of length 1 where the metric is cosine
 */
export function asFloats({ data, shape }, metric) {
  const floats = Float32Array.from(data)
  if (metric === 'cosine') {
    const dim = shape[1]
    for (let start = 0; start < floats.length; start += dim) {
      let square = 0
      for (let place = start; place < start + dim; place++) square += data[place] ** 2
      const length = Math.sqrt(square)
      if (length > 0) for (let place = start; place < start + dim; place++) floats[place] = data[place] / length
    }
  }
  return { data: floats, shape }
}
