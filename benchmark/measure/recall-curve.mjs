/**
 * One setting of a search: what it finds and what it costs.
 *
 * @typedef {object} CurvePoint
 * @property {number} recall 0 to 1
 * @property {number} time of a query, in any unit
 */

/**
 * @typedef {object} TimeAtRecall
 * @property {number} time
 * @property {'between' | 'above'} basis between two settings, or of the fastest setting, which already finds more
 */

/** What is left to miss at recall 1, so that its logarithm exists: less than one neighbour in a million queries. */
const LEAST_MISSED = 1e-7

/**
 * The settings worth choosing: no other one finds at least as much in less time.
 *
 * @template {CurvePoint} Point
 * @param {readonly Point[]} points
 * @returns {Point[]} by rising recall and time
 */
export function bestSettings(points) {
  const sorted = points.toSorted((a, b) => b.recall - a.recall || a.time - b.time)
  /** @type {Point[]} */
  const best = []
  for (const point of sorted) {
    const fastest = best.at(-1)
    if (fastest === undefined || point.time < fastest.time) best.push(point)
  }
  return best.reverse()
}

/**
 * The time a search needs for a recall. Between two settings the logarithm of time is taken as linear in
 * the logarithm of what is missed: recall-time curves are nearly straight in these terms.
 *
 * @param {readonly CurvePoint[]} points one curve: settings of one index, in any order
 * @param {number} recall
 * @returns {TimeAtRecall | undefined} undefined when no setting finds so much
 */
export function timeAtRecall(points, recall) {
  const best = bestSettings(points)
  const above = best.findIndex((point) => point.recall >= recall)
  if (above === -1) return undefined
  const upper = best[above]
  if (above === 0 || upper.recall === recall) return { time: upper.time, basis: upper.recall === recall ? 'between' : 'above' }
  const lower = best[above - 1]
  const share = (missed(lower.recall) - missed(recall)) / (missed(lower.recall) - missed(upper.recall))
  return { time: Math.exp(Math.log(lower.time) + share * (Math.log(upper.time) - Math.log(lower.time))), basis: 'between' }
}

/**
 * The least time that any of several curves needs for a recall.
 *
 * @template {string} Name
 * @param {readonly { name: Name, points: readonly CurvePoint[] }[]} curves such as one index a value of M
 * @param {number} recall
 * @returns {(TimeAtRecall & { name: Name }) | undefined}
 */
export function bestTimeAtRecall(curves, recall) {
  /** @type {(TimeAtRecall & { name: Name }) | undefined} */
  let best
  for (const { name, points } of curves) {
    const found = timeAtRecall(points, recall)
    if (found && (best === undefined || found.time < best.time)) best = { ...found, name }
  }
  return best
}

/** @param {number} recall */
function missed(recall) {
  return Math.log(Math.max(1 - recall, LEAST_MISSED))
}
