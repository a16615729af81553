/**
 * Fits time = factor * n^exponent by least squares on the logarithms.
 *
 * @param {readonly { n: number, time: number }[]} points all above 0
 * @returns {{ exponent: number, factor: number } | undefined} undefined for fewer than two sizes
 */
export function fitGrowth(points) {
  const logarithms = points.map(({ n, time }) => [Math.log(n), Math.log(time)])
  const meanX = average(logarithms.map(([x]) => x))
  const meanY = average(logarithms.map(([, y]) => y))
  let [covariance, variance] = [0, 0]
  for (const [x, y] of logarithms) {
    covariance += (x - meanX) * (y - meanY)
    variance += (x - meanX) ** 2
  }
  if (!(variance > 0)) return undefined
  const exponent = covariance / variance
  return { exponent, factor: Math.exp(meanY - exponent * meanX) }
}

/**
 * How many queries it takes until the plan that builds longer and answers faster has caught up.
 *
 * @param {{ build: number, query: number }} a seconds
 * @param {{ build: number, query: number }} b seconds
 * @returns {number | undefined} undefined when one of them is ahead from the first query on and stays so
 */
export function queriesToCatchUp(a, b) {
  const queries = (b.build - a.build) / (a.query - b.query)
  return Number.isFinite(queries) && queries > 0 ? queries : undefined
}

/** @param {readonly number[]} values */
function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
