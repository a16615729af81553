import { extname } from 'node:path'
import { readCsv } from './csv.mjs'
import { DataError } from './data-error.mjs'
import { readNpy } from './npy.mjs'

/** @typedef {Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array} NumberArray */

/**
 * Points as they came from a file: row-major, rows x columns.
 *
 * @typedef {object} Collection
 * @property {string} path
 * @property {NumberArray} data
 * @property {[rows: number, dim: number]} shape
 * @property {string} type the element type in the file: 'u2', 'f4', ..., or 'csv'
 * @property {boolean} header whether a line of column names was passed over
 */

/** @typedef {{ data: NumberArray, shape: [rows: number, dim: number] }} Matrix */

/**
 * Reads points from a `.npy` or `.csv` file and makes sure that every one is a finite number
 * that single precision can hold.
 *
 * @param {string} path
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<Collection>}
 * @throws {DataError}
 */
export async function readCollection(path, { signal } = {}) {
  const collection = await read(path, signal)
  const [rows, dim] = collection.shape
  if (rows === 0 || dim === 0) throw new DataError(`${path}: holds no points`)
  refuseNonFinite(collection)
  return collection
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<Collection>} */
async function read(path, signal) {
  const extension = extname(path).toLowerCase()
  if (extension === '.npy') return await readNpy(path)
  if (extension === '.csv') return await readCsv(path, { signal })
  throw new DataError(`${path}: not a .npy or .csv file`)
}

/** @param {Collection} collection */
function refuseNonFinite({ path, data, shape: [, dim] }) {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return
  for (let place = 0; place < data.length; place++) {
    if (Number.isFinite(Math.fround(data[place]))) continue
    const reason = Number.isFinite(data[place]) ? 'too large for single precision' : 'not a finite number'
    throw new DataError(`${path}: row ${Math.floor(place / dim) + 1}, column ${(place % dim) + 1}: ${data[place]} is ${reason}`)
  }
}

/**
 * @param {Matrix} matrix
 * @param {number} count at most the number of rows
 * @returns {Matrix} the first rows, sharing memory
 */
export function firstRows({ data, shape: [, dim] }, count) {
  return { data: data.subarray(0, count * dim), shape: [count, dim] }
}

/**
 * @param {Matrix} matrix
 * @returns {number} how many rows are zero in every column, and so have no direction
 */
export function countZeroRows({ data, shape: [rows, dim] }) {
  let zeroRows = 0
  for (let row = 0; row < rows; row++) {
    let column = 0
    while (column < dim && data[row * dim + column] === 0) column++
    if (column === dim) zeroRows++
  }
  return zeroRows
}
