import { readCollection } from '../datasets/collection.mjs'

/** @typedef {import('../datasets/collection.mjs').Matrix} Matrix */

/** @typedef {Float32Array | Uint8Array | Uint16Array | Int16Array} Row */

/**
 * Reads a matrix as single precision.
 *
 * @param {string} path
 * @returns {Promise<{ data: Float32Array, shape: [number, number] }>}
 */
export async function readFloats(path) {
  const { data, shape } = await readCollection(path)
  return { data: data instanceof Float32Array ? data : Float32Array.from(data), shape }
}

/**
 * The rows of a matrix, each as an array of its own that shares memory with it.
 *
 * @template {Float32Array | import('../datasets/collection.mjs').NumberArray} Numbers
 * @param {{ data: Numbers, shape: [rows: number, dim: number] }} matrix
 * @returns {Numbers[]}
 */
export function rowsOf({ data, shape: [rows, dim] }) {
  return Array.from({ length: rows }, (_, row) => /** @type {Numbers} */ (data.subarray(row * dim, (row + 1) * dim)))
}
