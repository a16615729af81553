/**
 * @typedef {import('nearhash').QueryWords} QueryWords
 */

/**
 * What a search engine keeps of documents that have one field of words, in its plainest form: for each word the
 * documents that have it. A document scores the sum of the weights of the query's words that it has.
 */
export class InvertedIndex {
  /** @type {Map<string, Uint32Array>} */
  #lists = new Map()
  #scores
  #touched

  /** @param {readonly (readonly string[])[]} documents their words; no word twice in one */
  constructor(documents) {
    this.size = documents.length
    /** @type {Map<string, number>} */
    const counts = new Map()
    for (const words of documents) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
    for (const [word, count] of counts) this.#lists.set(word, new Uint32Array(count))
    // From the end, so that `counts` leads to each document's place and lists ascend.
    for (let document = documents.length - 1; document >= 0; document--) {
      for (const word of documents[document]) {
        const place = /** @type {number} */ (counts.get(word)) - 1
        counts.set(word, place)
        const list = /** @type {Uint32Array} */ (this.#lists.get(word))
        list[place] = document
      }
    }
    this.#scores = new Float64Array(documents.length)
    this.#touched = new Uint32Array(documents.length)
  }

  /** Different words. */
  get words() {
    return this.#lists.size
  }

  /**
   * The documents with the highest scores, highest first and ties to the lower number.
   *
   * @param {QueryWords} query
   * @param {number} most
   * @returns {{ documents: Uint32Array, postings: number, touched: number }} and how many entries of lists were read, and
   * how many documents have any of the words
   */
  search({ words, weights }, most) {
    const [scores, touched] = [this.#scores, this.#touched]
    // Minus 1: not touched. A word of weight 0 still makes a document a match.
    scores.fill(-1)
    let [count, postings] = [0, 0]
    for (let place = 0; place < words.length; place++) {
      const list = this.#lists.get(words[place])
      if (list === undefined) continue
      postings += list.length
      for (const document of list) {
        if (scores[document] < 0) {
          scores[document] = 0
          touched[count++] = document
        }
        scores[document] += weights[place]
      }
    }
    /** @param {number} a @param {number} b */
    const byScore = (a, b) => scores[b] - scores[a] || a - b
    /** @type {number[]} the best so far, and some that are not */
    let best = []
    let least = -1
    for (let place = 0; place < count; place++) {
      if (scores[touched[place]] < least) continue
      best.push(touched[place])
      if (best.length < 8 * most) continue
      best = best.sort(byScore).slice(0, most)
      least = scores[best[most - 1]]
    }
    const documents = Uint32Array.from(best.sort(byScore).slice(0, most))
    return { documents, postings, touched: count }
  }
}
