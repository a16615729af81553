/**
 * Neighbours of one query, nearest first.
 *
 * @typedef {object} Answer
 * @property {ArrayLike<number>} ids
 * @property {ArrayLike<number>} distances
 */

/**
 * @param {Answer} answer
 * @param {number} id
 * @returns {Answer} the same without that point
 */
export function withoutId({ ids, distances }, id) {
  const kept = Array.from(ids, (_, place) => place).filter((place) => ids[place] !== id)
  return { ids: kept.map((place) => ids[place]), distances: kept.map((place) => distances[place]) }
}

/**
 * Share of the k true neighbours that an answer holds among its first k. A point as near as the
 * k-th true neighbour counts as one: which of several equally near points is asked for is chance.
 *
 * @param {Answer} truth at least one neighbour; k is the lesser of its length and `k`
 * @param {Answer} answer
 * @param {number} k
 * @returns {number} 0 to 1
 */
export function recallAt(truth, answer, k) {
  const wanted = Math.min(k, truth.ids.length)
  const farthest = truth.distances[wanted - 1]
  const trueIds = new Set(Array.from(truth.ids).slice(0, wanted))
  const considered = Math.min(wanted, answer.ids.length)
  let found = 0
  for (let place = 0; place < considered; place++) {
    if (trueIds.has(answer.ids[place]) || answer.distances[place] <= farthest) found++
  }
  return found / wanted
}

/**
 * Whether the true first neighbour, or a point just as near, is among the first `top` of an answer.
 *
 * @param {Answer} truth
 * @param {Answer} answer
 * @param {number} top
 * @returns {boolean}
 */
export function findsFirst(truth, answer, top) {
  const considered = Math.min(top, answer.ids.length)
  for (let place = 0; place < considered; place++) {
    if (answer.ids[place] === truth.ids[0] || answer.distances[place] <= truth.distances[0]) return true
  }
  return false
}

/**
 * @param {readonly number[]} values at least one
 * @param {number} share 0 to 1
 * @returns {number} the value that this share of the values is at or below (nearest rank)
 */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}

/** @param {ArrayLike<number>} values at least one @returns {number} */
export function mean(values) {
  let sum = 0
  for (let place = 0; place < values.length; place++) sum += values[place]
  return sum / values.length
}
