/** @typedef {import('../datasets/collection.mjs').Matrix} Matrix */

/** @param {Matrix} matrix @param {number} count @returns {import('nearhash').NumericArray[]} */
export function rowsOf({ data, shape: [, dim] }, count) {
  return Array.from({ length: count }, (_, i) => /** @type {import('nearhash').NumericArray} */ (data.subarray(i * dim, (i + 1) * dim)))
}

/** @param {Matrix} matrix @param {number} from @param {number} to @returns {Matrix} */
export function rowsBetween({ data, shape: [, dim] }, from, to) {
  return { data: data.subarray(from * dim, to * dim), shape: [to - from, dim] }
}
