/** Numbers drawn the same way in every run and on every machine. */
export class Random {
  #state

  /** @param {number} seed @param {string} name of what is drawn: streams of other names have nothing in common */
  constructor(seed, name) {
    let state = seed >>> 0
    for (const letter of name) state = Math.imul(state ^ /** @type {number} */ (letter.codePointAt(0)), 0x01000193) >>> 0
    this.#state = state
  }

  /** @returns {number} from 0 up to 1 (mulberry32) */
  uniform() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    const state = this.#state
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** @param {number} from @param {number} to */
  between(from, to) {
    return from + (to - from) * this.uniform()
  }

  /** @param {number} below @returns {number} an integer from 0 up to `below` */
  integer(below) {
    return Math.floor(this.uniform() * below)
  }

  /** Standard normal (Box and Muller). */
  normal() {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }

  /**
   * The logarithm of a gamma variable of scale 1 (Marsaglia and Tsang 2000): one of a small shape is often too
   * small for a number, its logarithm is not.
   *
   * @param {number} shape above 0
   */
  logGamma(shape) {
    const boost = shape < 1 ? Math.log(1 - this.uniform()) / shape : 0
    const d = (shape < 1 ? shape + 1 : shape) - 1 / 3
    for (;;) {
      const x = this.normal()
      const v = (1 + x / Math.sqrt(9 * d)) ** 3
      if (v > 0 && Math.log(1 - this.uniform()) < x * x / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v) + boost
    }
  }

  /** @param {number} count @param {number} shape of every part @returns {number[]} parts that sum to 1 */
  dirichlet(count, shape) {
    const logs = Array.from({ length: count }, () => this.logGamma(shape))
    const largest = Math.max(...logs)
    const parts = logs.map((log) => Math.exp(log - largest))
    const sum = parts.reduce((total, part) => total + part, 0)
    return parts.map((part) => part / sum)
  }

  /** @param {number} count @returns {number[]} 0 to count - 1 in a random order (Fisher and Yates) */
  permutation(count) {
    const order = Array.from({ length: count }, (_, place) => place)
    for (let place = count - 1; place > 0; place--) {
      const other = this.integer(place + 1)
      const kept = order[place]
      order[place] = order[other]
      order[other] = kept
    }
    return order
  }
}
