/**
 * @param {ArrayLike<number>} sorted ascending, at least one
 * @param {number} share 0 to 1
 * @returns {number} the value below which that share lies, linear between two neighbours
 */
export function quantile(sorted, share) {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)]
  return below + (sorted[Math.ceil(place)] - below) * (place % 1)
}
