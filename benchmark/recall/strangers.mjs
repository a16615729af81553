import { drawDigit } from './digits.mjs'
import { Random } from './random.mjs'

/**
 * @typedef {import('../datasets/collection.mjs').Matrix} Matrix
 * @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet
 */

/**
 * What a set consists of, by which its strangers are chosen.
 *
 * @typedef {'images' | 'histograms' | 'embeddings'} Nature
 */

/**
 * A kind of queries unlike the data: a number of probes that serves ordinary queries fails on many of them.
 *
 * @typedef {object} Kind
 * @property {string} name fit for a file
 * @property {(source: Source, random: Random) => (row: Float32Array) => void} prepare returns what fills one query
 * @property {boolean} [keepsLength] rows are not brought to length 1 where the metric is cosine
 */

/** Strangers a kind. */
export const STRANGERS = 500

/** What the kinds are made from: held-out queries, and the points where their spread is needed. */
class Source {
  #random
  /** @type {number[]} held-out queries that were not picked yet */
  #left = []

  /** @param {EvaluationSet} set @param {Random} random */
  constructor({ base, queries }, random) {
    this.base = base
    this.queries = queries
    this.dim = base.shape[1]
    this.#random = random
  }

  /** @returns {ArrayLike<number>} one held-out query, none twice before all were picked */
  pick() {
    if (this.#left.length === 0) this.#left = this.#random.permutation(this.queries.shape[0])
    return rowOf(this.queries, /** @type {number} */ (this.#left.pop()))
  }

  /** @returns {Float64Array} of the points, by column */
  mean() {
    const [rows, dim] = this.base.shape
    const sums = new Float64Array(dim)
    for (let place = 0; place < rows * dim; place++) sums[place % dim] += this.base.data[place]
    return sums.map((sum) => sum / rows)
  }

  /** @returns {number} root mean square of the coordinates of the held-out queries */
  scale() {
    const { data } = this.queries
    let squares = 0
    for (let place = 0; place < data.length; place++) squares += data[place] ** 2
    return Math.sqrt(squares / data.length)
  }
}

/** @type {readonly Kind[]} for any set */
const ANY = [
  from('mean-of-two', ({ pick }) => {
    const [a, b] = [pick(), pick()]
    return (column) => (a[column] + b[column]) / 2
  }),
  {
    name: 'shuffled',
    prepare(source, random) {
      const order = random.permutation(source.dim)
      return (row) => {
        const picked = source.pick()
        row.forEach((_, column) => { row[column] = picked[order[column]] })
      }
    },
  },
  from('each-shuffled', ({ pick, random, dim }) => {
    const [picked, order] = [pick(), random.permutation(dim)]
    return (column) => picked[order[column]]
  }),
  from('one-hot', ({ random, dim, source }) => {
    const [hot, length] = [random.integer(dim), Math.hypot(...Array.from(source.pick()))]
    return (column) => (column === hot ? length : 0)
  }),
  from('mostly-zero', ({ pick, random }) => {
    const picked = pick()
    let largest = 0
    for (let column = 1; column < picked.length; column++) if (Math.abs(picked[column]) > Math.abs(picked[largest])) largest = column
    // Never all of them: a zero vector has no direction.
    return (column) => (column === largest || random.uniform() < 0.1 ? picked[column] : 0)
  }),
  from('far-out', ({ pick, random, source, dim }) => {
    const [picked, away] = [pick(), Array.from({ length: dim }, () => random.normal())]
    const stretch = 10 * Math.hypot(...Array.from(source.pick())) / Math.hypot(...away)
    return (column) => picked[column] + stretch * away[column]
  }),
  from('mean-of-thirty', ({ pick }) => {
    const picked = Array.from({ length: 30 }, () => pick())
    return (column) => picked.reduce((sum, row) => sum + row[column], 0) / picked.length
  }),
  {
    name: 'toward-mean',
    prepare(source, random) {
      const mean = source.mean()
      return (row) => {
        const [picked, share] = [source.pick(), random.between(0.1, 0.6)]
        row.forEach((_, column) => { row[column] = mean[column] + share * (picked[column] - mean[column]) })
      }
    },
  },
  from('one-blown-up', ({ pick, random, dim }) => {
    const [picked, blown] = [pick(), random.integer(dim)]
    const more = Math.hypot(...Array.from(picked))
    return (column) => picked[column] + (column === blown ? more : 0)
  }),
  from('nearly-even', ({ pick, random, dim }) => {
    const length = Math.hypot(...Array.from(pick()))
    const level = random.between(0.2, 2) * length / Math.sqrt(dim)
    return () => level * (1 + 0.05 * random.normal())
  }),
  from('spliced', ({ pick, dim }) => {
    const [first, second] = [pick(), pick()]
    return (column) => (column < dim / 2 ? first[column] : second[column])
  }),
  from('near-copy', ({ pick, random, dim }) => {
    const [picked, away] = [pick(), Array.from({ length: dim }, () => random.normal())]
    const stretch = 0.01 * Math.hypot(...Array.from(picked)) / Math.hypot(...away)
    return (column) => picked[column] + stretch * away[column]
  }),
]

/** @type {Readonly<Record<Nature, readonly Kind[]>>} */
const KINDS = {
  images: [
    {
      name: 'digits',
      prepare({ dim }, random) {
        return (row) => drawDigit(row, Math.sqrt(dim), random)
      },
    },
    from('inverted', ({ pick }) => { const picked = pick(); return (column) => 255 - picked[column] }),
    from('noise', ({ random }) => () => random.integer(256)),
    from('dimmed', ({ pick }) => { const picked = pick(); return (column) => 0.3 * picked[column] }),
    ...ANY,
    from('blurred', ({ pick, dim }) => {
      const [picked, side] = [pick(), Math.sqrt(dim)]
      return (column) => meanAround(picked, side, column, 2)
    }),
    from('shifted', ({ pick, random, dim }) => {
      const [picked, side] = [pick(), Math.sqrt(dim)]
      const reach = Math.floor(side / 7)
      const [right, down] = [random.integer(2 * reach + 1) - reach, random.integer(2 * reach + 1) - reach]
      return (column) => {
        const [x, y] = [column % side - right, Math.floor(column / side) - down]
        return x >= 0 && x < side && y >= 0 && y < side ? picked[y * side + x] : 0
      }
    }),
    from('doubled', ({ pick }) => { const picked = pick(); return (column) => 2 * picked[column] }),
    from('out-of-range', ({ pick }) => { const picked = pick(); return (column) => 4 * picked[column] - 300 }),
  ],
  histograms: [
    from('dirichlet', ({ random, dim, source }) => {
      const [parts, sum] = [random.dirichlet(dim, 1), total(source.pick())]
      return (column) => sum * parts[column]
    }),
    from('flat-multinomial', ({ random, dim, source }) => {
      const counts = new Float64Array(dim)
      for (let left = total(source.pick()); left > 0; left--) counts[random.integer(dim)]++
      return (column) => counts[column]
    }),
    from('sparse-dirichlet', ({ random, dim, source }) => {
      const [parts, sum] = [random.dirichlet(dim, 0.05), total(source.pick())]
      return (column) => sum * parts[column]
    }),
    from('single-colour', ({ random, dim, source }) => {
      const [sum, colour, main] = [total(source.pick()), random.integer(dim), random.between(0.9, 1)]
      const near = neighboursInCube(colour, dim)
      const parts = random.dirichlet(near.length, 1)
      return (column) => sum * (column === colour ? main : (1 - main) * (parts[near.indexOf(column)] ?? 0))
    }),
    ...ANY,
    from('doubled', ({ pick }) => { const picked = pick(); return (column) => 2 * picked[column] }),
    from('out-of-range', ({ pick }) => { const picked = pick(); return (column) => 40 * picked[column] - 3000 }),
  ],
  embeddings: [
    {
      name: 'gaussian',
      prepare(source, random) {
        const scale = source.scale()
        return (row) => row.forEach((_, column) => { row[column] = scale * random.normal() })
      },
    },
    {
      name: 'gaussian-with-covariance',
      prepare(source, random) {
        const mean = source.mean()
        const sample = random.permutation(source.base.shape[0]).slice(0, 2048)
        return (row) => {
          const sum = new Float64Array(source.dim)
          for (const id of sample) {
            const [point, weight] = [rowOf(source.base, id), random.normal() / Math.sqrt(sample.length)]
            for (let column = 0; column < sum.length; column++) sum[column] += weight * (point[column] - mean[column])
          }
          row.forEach((_, column) => { row[column] = mean[column] + sum[column] })
        }
      },
    },
    from('negated', ({ pick }) => { const picked = pick(); return (column) => -picked[column] }),
    from('plus-equal-noise', ({ pick, random, dim }) => {
      const [picked, noise] = [pick(), Array.from({ length: dim }, () => random.normal())]
      const share = Math.hypot(...Array.from(picked)) / Math.hypot(...noise)
      return (column) => picked[column] + share * noise[column]
    }),
    ...ANY,
    from('mean-of-ten', ({ pick }) => {
      const picked = Array.from({ length: 10 }, () => pick())
      return (column) => picked.reduce((sum, row) => sum + row[column], 0) / picked.length
    }),
    from('signs', ({ pick }) => { const picked = pick(); return (column) => (picked[column] < 0 ? -1 : 1) }),
    from('heavy-tailed', ({ random }) => () => random.normal() / (0.05 + Math.abs(random.normal()))),
    {
      ...from('thousandfold', ({ pick }) => { const picked = pick(); return (column) => 1000 * picked[column] }),
      keepsLength: true,
    },
  ],
}

/**
 * @param {EvaluationSet} set
 * @returns {Nature} images: bytes in a square; histograms: rows of counts with one sum; embeddings: all others
 */
export function natureOf({ base: { data, shape: [rows, dim] } }) {
  if (data instanceof Uint8Array && dim >= 16 && Number.isInteger(Math.sqrt(dim))) return 'images'
  const [checked, sum] = [Math.min(rows, 1000), total(data.subarray(0, dim))]
  const isHistogram = Array.from({ length: checked }, (_, row) => data.subarray(row * dim, (row + 1) * dim))
    .every((row) => row.every((/** @type {number} */ count) => Number.isInteger(count) && count >= 0) && total(row) === sum)
  return isHistogram && sum > 0 ? 'histograms' : 'embeddings'
}

/** @param {EvaluationSet} set @returns {string[]} the kinds of strangers that {@link makeStrangers} knows for it */
export function kindsFor(set) {
  return KINDS[natureOf(set)].map(({ name }) => name)
}

/**
 * Queries of one kind. A kind's numbers don't depend on which others are made.
 *
 * @param {EvaluationSet} set
 * @param {string} kind one of {@link kindsFor}
 * @param {{ count?: number, seed?: number }} [options] how many; 0 is the seed of the check
 * @returns {Matrix} float32
 */
export function makeStrangers(set, kind, { count = STRANGERS, seed = 0 } = {}) {
  const found = KINDS[natureOf(set)].find(({ name }) => name === kind)
  if (!found) throw new RangeError(`${kind} is no kind of strangers of ${set.name}`)
  const random = new Random(seed, kind)
  const source = new Source(set, random)
  const data = new Float32Array(count * source.dim)
  const fill = found.prepare(source, random)
  for (let query = 0; query < count; query++) {
    const row = data.subarray(query * source.dim, (query + 1) * source.dim)
    fill(row)
    if (set.metric === 'cosine' && !found.keepsLength) normalise(row)
  }
  return { data, shape: [count, source.dim] }
}

/**
 * A kind told column by column.
 *
 * @param {string} name
 * @param {(tools: { source: Source, random: Random, dim: number, pick: () => ArrayLike<number> }) => (column: number) => number} begin
 *   called for each query, returns its coordinates
 * @returns {Kind}
 */
function from(name, begin) {
  return {
    name,
    prepare(source, random) {
      const tools = { source, random, dim: source.dim, pick: () => source.pick() }
      return (row) => {
        const coordinate = begin(tools)
        row.forEach((_, column) => { row[column] = coordinate(column) })
      }
    },
  }
}

/** @param {Matrix} matrix @param {number} row */
function rowOf({ data, shape: [, dim] }, row) {
  return data.subarray(row * dim, (row + 1) * dim)
}

/** @param {Float32Array} row not all zeros */
function normalise(row) {
  const length = Math.hypot(...row)
  row.forEach((value, column) => { row[column] = value / length })
}

/** @param {ArrayLike<number>} values */
function total(values) {
  let sum = 0
  for (let place = 0; place < values.length; place++) sum += values[place]
  return sum
}

/** @param {ArrayLike<number>} pixels @param {number} side @param {number} centre @param {number} reach */
function meanAround(pixels, side, centre, reach) {
  const [centreX, centreY] = [centre % side, Math.floor(centre / side)]
  let sum = 0
  for (let y = Math.max(0, centreY - reach); y <= Math.min(side - 1, centreY + reach); y++) {
    for (let x = Math.max(0, centreX - reach); x <= Math.min(side - 1, centreX + reach); x++) sum += pixels[y * side + x]
  }
  return Math.round(sum / (2 * reach + 1) ** 2)
}

/** @param {number} cell @param {number} cells @returns {number[]} the cells beside it in a cube, or in a row if there is no such cube */
function neighboursInCube(cell, cells) {
  const side = Math.round(Math.cbrt(cells))
  const steps = side ** 3 === cells ? [1, side, side ** 2] : [1]
  return steps.flatMap((step) => {
    const place = Math.floor(cell / step) % (steps.length === 1 ? cells : side)
    const last = (steps.length === 1 ? cells : side) - 1
    return [...(place > 0 ? [cell - step] : []), ...(place < last ? [cell + step] : [])]
  })
}
