/** @typedef {import('../datasets/collection.mjs').Matrix} Matrix */

/**
 * The exact neighbours of some queries, and what is needed to judge an answer by its row numbers alone:
 * systems return distances of many kinds and roundings, so none of theirs is believed.
 */
export class Truth {
  #points
  #queries
  #neighbours
  #cosine

  /**
   * @param {Matrix} points
   * @param {Matrix} queries
   * @param {Matrix} neighbours row i: rows of points, nearest to query i first
   * @param {'euclidean' | 'cosine'} metric
   */
  constructor(points, queries, neighbours, metric) {
    this.#points = points
    this.#queries = queries
    this.#neighbours = neighbours
    this.#cosine = metric === 'cosine'
  }

  /** How many neighbours are known of each query. */
  get depth() {
    return this.#neighbours.shape[1]
  }

  /**
   * Share of the k nearest points in each query's answer. A point as near as the k-th counts as one of
   * them; a point named twice counts once.
   *
   * @param {ArrayLike<number>} ids row i from i * k on: the answer to query i; negative where it is shorter
   * @param {number} k at most {@link depth}
   * @param {number} queries at most as many as there are
   * @returns {Float64Array} 0 to 1, one a query
   */
  recallPerQuery(ids, k, queries) {
    const shares = new Float64Array(queries)
    const depth = this.depth
    for (let query = 0; query < queries; query++) {
      const wanted = new Set(this.#neighbours.data.subarray(query * depth, query * depth + k))
      const farthest = this.#distance(query, this.#neighbours.data[query * depth + k - 1])
      const seen = new Set()
      let found = 0
      for (let place = query * k; place < (query + 1) * k; place++) {
        const id = ids[place]
        if (id < 0 || seen.has(id)) continue
        seen.add(id)
        if (wanted.has(id) || this.#distance(query, id) <= farthest) found++
      }
      shares[query] = found / k
    }
    return shares
  }

  /**
   * @param {number} query
   * @param {number} row
   * @returns {number} in double precision, of the same order as the metric
   */
  #distance(query, row) {
    const dim = this.#points.shape[1]
    const [points, queries] = [this.#points.data, this.#queries.data]
    const [a, b] = [query * dim, row * dim]
    if (!this.#cosine) {
      let square = 0
      for (let column = 0; column < dim; column++) square += (queries[a + column] - points[b + column]) ** 2
      return square
    }
    let [product, square] = [0, 0]
    for (let column = 0; column < dim; column++) {
      product += queries[a + column] * points[b + column]
      square += points[b + column] ** 2
    }
    // The query's own length is the same for all rows it is compared with.
    return -product / Math.sqrt(square)
  }
}

/**
 * @typedef {object} RecallSummary
 * @property {number} recall mean over the queries
 * @property {number} p1 recall that all but 1 % of the queries reach
 * @property {number} p5 recall that all but 5 % of the queries reach
 * @property {number} none share of the queries that found nothing
 */

/** @param {Float64Array} shares one a query, at least one @returns {RecallSummary} */
export function summariseRecall(shares) {
  const sorted = shares.toSorted()
  let [sum, none] = [0, 0]
  for (const share of sorted) {
    sum += share
    if (share === 0) none++
  }
  // No value between two: recall of one query has few values, and a mixture of two is none of them.
  const reachedByAllBut = (/** @type {number} */ share) => sorted[Math.floor(share * sorted.length)]
  return { recall: sum / sorted.length, p1: reachedByAllBut(0.01), p5: reachedByAllBut(0.05), none: none / sorted.length }
}
