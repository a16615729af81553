import { knnSync } from 'nearhash'
import { firstRows } from './collection.mjs'

/** @typedef {import('./collection.mjs').Matrix} Matrix */

/** Rows that the distance to the tenth neighbour is averaged over. */
const SAMPLE = 1000
const NEIGHBOUR = 10
/** Of the distance to the tenth neighbour: how far a copy lies from its row. */
const SHARE_OF_DISTANCE = 0.7

/**
 * Any number of points that lie as real ones do. Up to their number these are the real rows in random order;
 * beyond that, copies of them follow, each number moved by a Gaussian of standard deviation
 * .7 d10 / sqrt(dim), so that a copy lies about .7 d10 from its row, where d10 is the mean distance of real
 * rows to their tenth neighbour. Every size begins with the smaller ones.
 *
 * @param {Matrix} real at least 11 rows
 * @param {number} rows wanted
 * @param {{ seed: number, unitLength: boolean }} options whether all rows are brought to length 1
 * @returns {{ points: { data: Float32Array, shape: [number, number] }, sigma: number }}
 */
export function enlarge(real, rows, { seed, unitLength }) {
  const [realRows, dim] = real.shape
  const order = shuffledRows(realRows, seed)
  const data = new Float32Array(rows * dim)
  for (let row = 0; row < Math.min(rows, realRows); row++) {
    data.set(real.data.subarray(order[row] * dim, (order[row] + 1) * dim), row * dim)
    if (unitLength) toUnitLength(data.subarray(row * dim, (row + 1) * dim))
  }
  if (rows <= realRows) return { points: { data, shape: [rows, dim] }, sigma: 0 }

  const known = { data: data.subarray(0, realRows * dim), shape: /** @type {[number, number]} */ ([realRows, dim]) }
  const sigma = (SHARE_OF_DISTANCE * tenthNeighbourDistance(known)) / Math.sqrt(dim)
  const gaussian = gaussians(seed + 1)
  for (let row = realRows; row < rows; row++) {
    const source = (row % realRows) * dim
    const copy = data.subarray(row * dim, (row + 1) * dim)
    for (let column = 0; column < dim; column++) copy[column] = data[source + column] + sigma * gaussian()
    if (unitLength) toUnitLength(copy)
  }
  return { points: { data, shape: [rows, dim] }, sigma }
}

/** @param {Matrix} points @returns {number} mean over the first rows, each one itself not counted */
function tenthNeighbourDistance(points) {
  const sample = firstRows(points, Math.min(SAMPLE, points.shape[0]))
  const { distances } = knnSync(points, sample, { k: NEIGHBOUR + 1 })
  let sum = 0
  for (let row = 0; row < sample.shape[0]; row++) sum += distances[row * (NEIGHBOUR + 1) + NEIGHBOUR]
  return sum / sample.shape[0]
}

/** @param {number} rows @param {number} seed @returns {Uint32Array} */
function shuffledRows(rows, seed) {
  const order = Uint32Array.from({ length: rows }, (_, row) => row)
  const uniform = uniforms(seed)
  for (let place = rows - 1; place > 0; place--) {
    const other = Math.floor(uniform() * (place + 1))
    const row = order[place]
    order[place] = order[other]
    order[other] = row
  }
  return order
}

/** @param {Float32Array} row */
function toUnitLength(row) {
  let square = 0
  for (const value of row) square += value ** 2
  const length = Math.sqrt(square)
  if (length > 0) for (let column = 0; column < row.length; column++) row[column] /= length
}

/** @param {number} seed @returns {() => number} by Box and Muller */
function gaussians(seed) {
  const uniform = uniforms(seed)
  let spare = Number.NaN
  return () => {
    if (!Number.isNaN(spare)) {
      const value = spare
      spare = Number.NaN
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

/** @param {number} seed @returns {() => number} from 0 to below 1, by splitmix32 */
function uniforms(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}
