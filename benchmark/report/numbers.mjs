/** @param {number} value @returns {string} with thousands parted: 32,000 */
export function wholeNumber(value) {
  return Math.round(value).toLocaleString('en-US')
}

/** @param {number} value 0 to 1 @returns {string} such as .943, and 1.000 */
export function share(value) {
  return value.toFixed(3).replace(/^0/, '')
}

/** @param {number} milliseconds @returns {string} three significant digits where that needs decimals: 0.412, 4.12, 41.2, 412 */
export function milliseconds(milliseconds) {
  if (milliseconds >= 100) return wholeNumber(milliseconds)
  return milliseconds.toFixed(milliseconds >= 10 ? 1 : milliseconds >= 1 ? 2 : 3)
}

/** @param {number} factor @returns {string} such as 12.4 */
export function factor(factor) {
  return factor >= 100 ? wholeNumber(factor) : factor.toFixed(factor >= 10 ? 1 : 2)
}
