import { fitGrowth, queriesToCatchUp } from '../measure/growth-law.mjs'
import { bestTimeAtRecall } from '../measure/recall-curve.mjs'

/**
 * @typedef {import('../comparison/session.mjs').ComparisonResults} ComparisonResults
 * @typedef {import('../comparison/measure.mjs').SetResult} SetResult
 * @typedef {import('../comparison/measure.mjs').Measured} Measured
 * @typedef {import('../measure/recall-curve.mjs').TimeAtRecall} TimeAtRecall
 * @typedef {'wall' | 'cpu'} Clock
 */

/** Recalls at which systems are compared. */
export const COMPARED_RECALLS = /** @type {const} */ ([0.95, 0.98, 0.99])

/**
 * What one rival needs on one set.
 *
 * @typedef {object} RivalSummary
 * @property {string} id
 * @property {string} name
 * @property {boolean} exact
 * @property {string} [plan] the fastest at recall .95
 * @property {(TimeAtRecall | undefined)[]} times microseconds of a query, a call each, at COMPARED_RECALLS; undefined where it doesn't get there
 * @property {TimeAtRecall} [oneCall] the same at .95 in one call for all queries, on one thread
 * @property {number} [queriesPerSecond] at .95 or a little above, one call on all threads
 * @property {number} [p1] recall that all but 1 % of the queries have, at the setting next above .95
 * @property {number} [p5] recall that all but 5 % of the queries have, there
 * @property {number} buildSeconds one thread, that plan; 0 where nothing is built
 * @property {number} [parallelBuildSeconds] all threads
 * @property {number} bytesPerVector index with its own rows
 * @property {number} extraBytesPerVector of these beyond the rows
 */

/**
 * @param {readonly Measured[]} measured
 * @param {{ rival: string, k: number, calls: 'single' | 'oneCall', clock: Clock }} which
 * @returns {{ name: string, points: (Measured & { time: number })[] }[]} a curve a plan, times in microseconds a query
 */
export function curvesOf(measured, { rival, k, calls, clock }) {
  const own = measured.filter((point) => point.rival === rival && point.k === k)
  return [...new Set(own.map(({ plan }) => plan))].map((name) => ({
    name,
    points: own.filter(({ plan }) => plan === name).flatMap((point) => {
      const time = point[calls]?.[clock].median
      return time === undefined ? [] : [{ ...point, time }]
    }),
  })).filter(({ points }) => points.length > 0)
}

/**
 * @param {SetResult} set
 * @param {{ id: string, name: string }} rival
 * @param {Clock} clock
 * @returns {RivalSummary | undefined} undefined when it was not measured on this set
 */
export function summariseRival(set, { id, name }, clock) {
  const { measured, rows } = set
  const curves = curvesOf(measured, { rival: id, k: 10, calls: 'single', clock })
  const points = curves.flatMap((curve) => curve.points)
  if (points.length === 0) return undefined
  const times = COMPARED_RECALLS.map((recall) => bestTimeAtRecall(curves, recall))
  // A rival that never gets there is described by the plan that comes nearest.
  const plan = times[0]?.name ?? points.toSorted((a, b) => b.recall - a.recall)[0].plan
  const oneCall = bestTimeAtRecall(curvesOf(measured, { rival: id, k: 10, calls: 'oneCall', clock }), COMPARED_RECALLS[0])
  const [nextAbove] = points.filter((point) => point.plan === plan && point.recall >= COMPARED_RECALLS[0]).sort((a, b) => a.time - b.time)
  const build = set.builds.find((one) => one.rival === id && one.plan === plan)
  const parallelBuild = set.parallelBuilds.find((one) => one.rival === id && one.plan === plan)
  const [parallel] = set.parallelMeasured
    .filter((point) => point.rival === id && point.recall >= COMPARED_RECALLS[0] && point.oneCall)
    .map((point) => 1e6 / (point.oneCall?.wall.median ?? Number.NaN))
    .sort((a, b) => b - a)
  const exact = points.every((point) => point.exact)
  return {
    id, name, exact, plan, times,
    buildSeconds: (clock === 'cpu' ? build?.cpuSeconds : build?.seconds) ?? Number.NaN,
    bytesPerVector: (build?.bytes ?? Number.NaN) / rows,
    extraBytesPerVector: ((build?.bytes ?? Number.NaN) - (build?.rowBytes ?? Number.NaN)) / rows,
    ...(oneCall ? { oneCall } : {}),
    ...(parallel === undefined ? {} : { queriesPerSecond: parallel }),
    ...(nextAbove ? { p1: nextAbove.p1, p5: nextAbove.p5 } : {}),
    ...(parallelBuild ? { parallelBuildSeconds: parallelBuild.seconds } : {}),
  }
}

/**
 * @param {ComparisonResults} results
 * @param {SetResult} set
 * @returns {RivalSummary[]} in the order of the catalogue
 */
export function summariseSet({ rivals, settings }, set) {
  return rivals.flatMap((rival) => summariseRival(set, rival, settings.clock) ?? [])
}

/** Whose times those of others are divided by: the first of these that was measured. */
const REFERENCES = ['index', 'engine-index', 'exact']

/**
 * The rival that others are measured by: nearhash's Index, or exact scan where Index is not there.
 *
 * @param {readonly RivalSummary[]} summaries
 * @returns {RivalSummary | undefined}
 */
export function reference(summaries) {
  return REFERENCES.flatMap((id) => summaries.find((one) => one.id === id) ?? [])[0]
}

/**
 * @param {RivalSummary} a
 * @param {RivalSummary} b
 * @returns {number | undefined} queries from which on the two have taken the same time in all, at recall .95
 */
export function catchUp(a, b) {
  const [timeA, timeB] = [a.times[0]?.time, b.times[0]?.time]
  if (timeA === undefined || timeB === undefined) return undefined
  return queriesToCatchUp({ build: a.buildSeconds, query: timeA / 1e6 }, { build: b.buildSeconds, query: timeB / 1e6 })
}

/**
 * Time against the number of points.
 *
 * @typedef {object} GrowthLine
 * @property {string} id
 * @property {string} name
 * @property {{ n: number, time: number }[]} points microseconds a query at the recall, or seconds of the build
 * @property {number} [exponent] of the fitted power of n
 */

/**
 * @param {ComparisonResults} results of kind growth
 * @param {number | 'build'} what a recall, or building
 * @returns {GrowthLine[]}
 */
export function growthLines({ rivals, sets, settings }, what) {
  return rivals.flatMap(({ id, name }) => {
    const points = sets.flatMap((set) => {
      const summary = summariseRival(set, { id, name }, settings.clock)
      const time = what === 'build' ? summary?.buildSeconds
        : bestTimeAtRecall(curvesOf(set.measured, { rival: id, k: 10, calls: 'single', clock: settings.clock }), what)?.time
      // Nothing is built for an exact scan, and no logarithm can show it.
      return time !== undefined && time > 1e-3 ? [{ n: set.rows, time }] : []
    })
    if (points.length === 0) return []
    const fitted = fitGrowth(points)
    return [{ id, name, points, ...(fitted ? { exponent: fitted.exponent } : {}) }]
  })
}
