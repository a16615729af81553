/** @typedef {import('../datasets/collection.mjs').Matrix} Matrix */

/**
 * One distance in double precision by the plain formula: the check on everything nearhash says about
 * distances, so it shares no code with it.
 *
 * @param {'euclidean' | 'cosine'} metric
 * @param {Matrix} a
 * @param {number} rowA
 * @param {Matrix} b of the same number of columns
 * @param {number} rowB
 * @returns {number}
 */
export function exactDistance(metric, a, rowA, b, rowB) {
  const dim = a.shape[1]
  const [startA, startB] = [rowA * dim, rowB * dim]
  if (metric === 'euclidean') {
    let square = 0
    for (let column = 0; column < dim; column++) square += (a.data[startA + column] - b.data[startB + column]) ** 2
    return Math.sqrt(square)
  }
  let [product, squareA, squareB] = [0, 0, 0]
  for (let column = 0; column < dim; column++) {
    const [valueA, valueB] = [a.data[startA + column], b.data[startB + column]]
    product += valueA * valueB
    squareA += valueA * valueA
    squareB += valueB * valueB
  }
  return 1 - product / Math.sqrt(squareA * squareB)
}

/**
 * Whether a distance is this exact one but for single precision. A cosine distance is what is left of 1
 * after subtraction, so there the last digits of 1 are lost, not those of the distance.
 *
 * @param {'euclidean' | 'cosine'} metric
 * @param {number} distance
 * @param {number} exact
 */
export function isSameDistance(metric, distance, exact) {
  const tolerance = metric === 'cosine' ? 2e-6 : 2e-6 * exact
  return Math.abs(distance - exact) <= tolerance
}
