import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { knn, knnSync, type Metric } from 'nearhash'
import { describe, expect, test } from 'vitest'
import { firstQueries, readBundledSet, type EvaluationSet } from '../../benchmark/datasets/evaluation-set.mjs'
import { readNpy } from '../../benchmark/datasets/npy.mjs'
import { checkIndex, indexSteps, type IndexClass } from '../../benchmark/recall/index-checks.mjs'
import { kindsFor, makeStrangers, natureOf, STRANGERS } from '../../benchmark/recall/strangers.mjs'
import { normal, uniform } from '../support/random.js'
import { runCommand } from './commands.js'
import { temporaryFolder } from './files.js'

interface Points { data: Float32Array | Uint8Array | Uint16Array; shape: [number, number] }

function filled(rows: number, dim: number, draw: () => number, Values: new (count: number) => Points['data'] = Float32Array): Points {
  const data = new Values(rows * dim)
  for (let place = 0; place < data.length; place++) data[place] = draw()
  return { data, shape: [rows, dim] }
}

function setOf(make: (rows: number, seed: number) => Points, metric: Metric = 'euclidean'): EvaluationSet {
  return { name: 'made', metric, base: make(300, 1), queries: make(60, 2) }
}

/** 6 x 6 pixels, few of them light. */
const images = setOf((rows, seed) => {
  const draw = uniform(seed)
  return filled(rows, 36, () => (draw() < 0.6 ? 0 : Math.floor(256 * draw())), Uint8Array)
})
/** 1,000 counts over 27 colours. */
const histograms = setOf((rows, seed) => {
  const [points, draw] = [filled(rows, 27, () => 0, Uint16Array), uniform(seed)]
  for (let row = 0; row < rows; row++) {
    for (let count = 0; count < 1000; count++) points.data[row * 27 + Math.floor(27 * draw() ** 3)]!++
  }
  return points
})
const embeddings = setOf((rows, seed) => {
  const points = filled(rows, 12, normal(seed))
  for (let row = 0; row < rows; row++) {
    const values = points.data.subarray(row * 12, (row + 1) * 12)
    const length = Math.hypot(...values)
    values.forEach((value, column) => { values[column] = value / length })
  }
  return points
}, 'cosine')

function rowsOf({ data, shape: [rows, dim] }: { data: ArrayLike<number>; shape: readonly [number, number] }): number[][] {
  return Array.from({ length: rows }, (_, row) => Array.from(data).slice(row * dim, (row + 1) * dim))
}

const sum = (row: readonly number[]): number => row.reduce((total, value) => total + value, 0)

describe('queries unlike the data', () => {
  test('are chosen by what the set consists of', () => {
    expect([images, histograms, embeddings].map(natureOf)).toEqual(['images', 'histograms', 'embeddings'])
    expect(kindsFor(images)).toEqual(expect.arrayContaining(['digits', 'mean-of-two', 'inverted', 'shuffled', 'noise', 'dimmed']))
    expect(kindsFor(histograms)).toEqual(expect.arrayContaining(['dirichlet', 'flat-multinomial', 'sparse-dirichlet', 'mean-of-two', 'single-colour', 'shuffled']))
    expect(kindsFor(embeddings)).toEqual(expect.arrayContaining(['gaussian', 'gaussian-with-covariance', 'shuffled', 'negated', 'mean-of-two', 'plus-equal-noise']))
  })

  test.each([images, histograms, embeddings])('are the same every time, finite, never zero, and others for another seed', (set) => {
    for (const kind of kindsFor(set)) {
      const made = makeStrangers(set, kind, { count: 50 })
      expect(made.shape).toEqual([50, set.base.shape[1]])
      expect(makeStrangers(set, kind, { count: 50 })).toEqual(made)
      expect(makeStrangers(set, kind, { count: 20 }).data).toEqual(made.data.subarray(0, 20 * made.shape[1]))
      expect(makeStrangers(set, kind, { count: 50, seed: 1 }).data).not.toEqual(made.data)
      expect(rowsOf(made).every((row) => row.every(Number.isFinite) && row.some((value) => value !== 0)), kind).toBe(true)
    }
    expect(() => makeStrangers(set, 'ordinary')).toThrow('ordinary is no kind of strangers of made')
  })

  test('of images are what their names say', () => {
    const known = new Set(rowsOf(images.queries).map(String))
    const inverted = rowsOf(makeStrangers(images, 'inverted', { count: 60 })).map((row) => row.map((value) => 255 - value))
    expect(new Set(inverted.map(String))).toEqual(known)
    const shuffled = rowsOf(makeStrangers(images, 'shuffled', { count: 10 })).map((row) => row.toSorted().join())
    const sorted = new Set(rowsOf(images.queries).map((row) => row.toSorted().join()))
    expect(shuffled.every((row) => sorted.has(row))).toBe(true)
    expect(Math.max(...makeStrangers(images, 'doubled').data)).toBeGreaterThan(255)
    expect(Math.min(...makeStrangers(images, 'out-of-range').data)).toBe(-300)
    const digits = rowsOf(makeStrangers({ ...images, base: filled(2, 784, () => 0, Uint8Array), queries: filled(2, 784, () => 0, Uint8Array) }, 'digits', { count: 40 }))
    for (const digit of digits) {
      expect(sum(digit) / 255).toBeGreaterThan(15)
      expect(sum(digit) / 255).toBeLessThan(300)
    }
    const edges = digits.flatMap((digit) => digit.filter((_, place) => place < 28 || place >= 27 * 28))
    expect(sum(edges) / sum(digits.flat())).toBeLessThan(0.01)
  })

  test('of histograms keep the count of pixels where a histogram would', () => {
    for (const kind of ['dirichlet', 'flat-multinomial', 'sparse-dirichlet', 'mean-of-two', 'single-colour', 'shuffled', 'each-shuffled']) {
      for (const row of rowsOf(makeStrangers(histograms, kind, { count: 30 }))) {
        expect(sum(row)).toBeCloseTo(1000, 1)
        expect(Math.min(...row)).toBeGreaterThanOrEqual(0)
      }
    }
    for (const row of rowsOf(makeStrangers(histograms, 'single-colour', { count: 30 }))) expect(Math.max(...row)).toBeGreaterThanOrEqual(899.9)
    // Parts from Dirichlet(a) have variance (1/d)(1 - 1/d) / (d a + 1).
    for (const [kind, shape] of [['dirichlet', 1], ['sparse-dirichlet', 0.05]] as const) {
      const parts = Array.from(makeStrangers(histograms, kind, { count: 2000 }).data, (value) => value / 1000)
      const variance = sum(parts.map((part) => (part - 1 / 27) ** 2)) / parts.length
      expect(variance / ((1 / 27) * (26 / 27) / (27 * shape + 1))).toBeCloseTo(1, 1)
    }
  })

  test('of embeddings have length 1 but for those about length', () => {
    for (const kind of kindsFor(embeddings)) {
      for (const row of rowsOf(makeStrangers(embeddings, kind, { count: 30 }))) {
        expect(Math.hypot(...row)).toBeCloseTo(kind === 'thousandfold' ? 1000 : 1, kind === 'thousandfold' ? 2 : 5)
      }
    }
    const stretched = setOf((rows, seed) => {
      const points = filled(rows, 12, normal(seed))
      return { ...points, data: points.data.map((value, place) => value * (place % 12 === 3 ? 10 : 1)) }
    })
    const drawn = makeStrangers(stretched, 'gaussian-with-covariance', { count: 2000 }).data
    const spread = (column: number): number => Math.sqrt(sum(Array.from(drawn).filter((_, place) => place % 12 === column).map((value) => value ** 2)) / 2000)
    expect(spread(3) / spread(4)).toBeGreaterThan(8)
    expect(spread(3) / spread(4)).toBeLessThan(12)
  })

  test('are written with their exact neighbours', async () => {
    const folder = await written
    const name = 'photo-histograms-64-32000 (bundled)'
    const set = await readBundledSet({ queries: 40 })
    expect((await readdir(join(folder, name))).sort()).toEqual(kindsFor(set).flatMap((kind) => [`${kind}-neighbors.npy`, `${kind}-queries.npy`]).sort())
    const queries = await readNpy(join(folder, name, 'single-colour-queries.npy'))
    const neighbours = await readNpy(join(folder, name, 'single-colour-neighbors.npy'))
    expect([queries.type, queries.shape, neighbours.type, neighbours.shape]).toEqual(['f4', [STRANGERS, 64], 'i4', [STRANGERS, 100]])
    expect(queries.data).toEqual(makeStrangers(set, 'single-colour').data)
    expect(Uint32Array.from(neighbours.data)).toEqual(knnSync(set.base, queries, { k: 100 }).ids)
  })
})

const written = (async () => {
  const folder = await temporaryFolder()
  const { code, stdout } = await runCommand('recall', ['--write', folder, '--queries', '40'])
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('(bundled): dirichlet, flat-multinomial') })
  return folder
})()

/** An answer as exact search gives it. */
interface Found { ids: number[]; distances: number[] }

/** An index that finds each neighbour with the asked probability, spoilt as a test wants. */
function pretend(spoil: (found: Found, query: number, asked: { k: number; recall: number; stranger: boolean }) => Found = (found) => found): IndexClass {
  return class {
    #base: unknown
    readonly #metric: Metric
    constructor({ metric }: { metric: Metric }) {
      this.#metric = metric
    }
    async fit(x: { data: ArrayLike<number>; shape: readonly [number, number] }): Promise<void> {
      this.#base = x
    }
    async search(x: Points, { k, recall }: { k: number; recall: number }): Promise<Found[]> {
      const found = await knn(this.#base as Points, x, { k: Math.ceil(1.5 * k) + 20, metric: this.#metric })
      const draw = uniform(7)
      const stranger = x.data instanceof Float32Array
      return Array.from(found, ({ ids, distances }, query) => {
        let spare = ids.length - k
        const kept = Array.from(ids, (_, place) => place).filter(() => recall === 1 || spare === 0 || draw() < recall || spare-- <= 0).slice(0, k)
        return spoil({ ids: kept.map((place) => ids[place]!), distances: kept.map((place) => distances[place]!) }, query, { k, recall, stranger })
      })
    }
    dispose(): void {}
  } as unknown as IndexClass
}

describe('the check of Index', async () => {
  const set = firstQueries(await readBundledSet({ queries: 1000 }), 400)

  test('asks indexes of several seeds for strangers, and one for what is held out', async () => {
    const seeds: number[] = []
    const Promising = pretend() as unknown as new (options: { metric: Metric }) => object
    const Seeded = class extends Promising {
      constructor(options: { metric: Metric; seed: number }) {
        super(options)
        seeds.push(options.seed)
      }
    } as unknown as IndexClass
    const { failures } = await checkIndex(set, Seeded, { seeds: [4, 7] })
    expect(failures).toEqual([])
    expect(seeds).toEqual([4, 7])
  })

  test('passes what keeps its promise', async () => {
    const stages: string[] = []
    const { rows, failures } = await checkIndex(set, pretend(), { onProgress: (stage) => stages.push(stage) })
    expect(failures).toEqual([])
    expect(rows.filter(({ queries }) => queries === 'held-out')).toHaveLength(12)
    expect(rows.filter(({ queries }) => queries !== 'held-out')).toHaveLength(3 * kindsFor(set).length)
    expect(stages).toHaveLength(indexSteps(set))
  })

  test('takes one neighbour that all queries of a kind miss for chance where they are nearly the same query', async () => {
    const kind = 'flat-multinomial'
    const missed = knnSync(set.base, makeStrangers(set, kind, { count: 1 }), { k: 1 }).ids[0]
    const Missing = class extends (pretend() as unknown as new (options: { metric: Metric }) => { search(x: Points, options: { k: number; recall: number }): Promise<Found[]> }) {
      override async search(x: Points, { k, recall }: { k: number; recall: number }): Promise<Found[]> {
        if (!(x.data instanceof Float32Array)) return super.search(x, { k, recall })
        const found = await super.search(x, { k: k + 1, recall: 1 })
        return found.map((one) => {
          const kept = one.ids.map((_, place) => place).filter((place) => one.ids[place] !== missed).slice(0, k)
          return { ids: kept.map((place) => one.ids[place]!), distances: kept.map((place) => one.distances[place]!) }
        })
      }
    } as unknown as IndexClass
    const { rows, failures } = await checkIndex(set, Missing, { seeds: [0] })
    expect(rows.find(({ queries, k }) => queries === kind && k === 10)!.recall).toBeLessThan(0.93)
    expect(failures.filter((failure) => failure.includes(`k = 10, ${kind}`))).toEqual([])
  })

  test.each<[string, Parameters<typeof pretend>[0], RegExp]>([
    ['more recall than was asked', undefined, /recall 0.8, k = 10, held-out queries: mean recall 1.0000 is not from 0.79 to 0.83/],
    ['strangers not served', (found, _, { stranger }) => (stranger ? { ids: found.ids.map((id) => (id % 2 ? id : id + 1)), distances: found.distances.map((x) => x + 1e6) } : found), /dirichlet queries: mean recall 0\.\d+ is below 0.93, give or take 0.0/],
    ['a given-up tail', (found, query, { stranger }) => (query % 40 || stranger ? found : far(found)), /recall 0.95, k = 10, held-out queries: 1st percentile 0.00 is below 0.7/],
    ['a query at 0', (found, query, { recall, stranger }) => (query === 7 && recall < 1 && !stranger ? far(found) : found), /recall 0.95, k = 10, held-out queries: 1 queries got no true neighbour/],
    ['short lists', (found) => ({ ids: found.ids.slice(1), distances: found.distances.slice(1) }), /400 of 400 answers are short/],
    ['ids twice', (found) => ({ ids: [found.ids[1]!, ...found.ids.slice(1)], distances: found.distances }), /answers are short, repeat an id/],
    ['wrong distances', (found) => ({ ids: found.ids, distances: found.distances.map((x) => 1.001 * x) }), /wrong or disordered distances/],
    ['approximate answers at recall 1', (found, query, { k, recall }) => (recall === 1 && query === 3 && k === 10 ? { ids: found.ids.toReversed(), distances: found.distances } : found), /recall 1, k = 10: 1 of 100 answers differ/],
  ])('fails on %s', async (name, spoil, message) => {
    const Faulty = name === 'more recall than was asked' ? exact() : pretend(spoil)
    const { failures } = await checkIndex(set, Faulty, { seeds: [0] })
    expect(failures.join('\n')).toMatch(message)
  })
})

/** Other ids, at distances that no neighbour has. */
function far({ ids, distances }: Found): Found {
  return { ids: ids.map((_, place) => place), distances: distances.map((_, place) => 1e7 + place) }
}

/** An index that always ranks everything. */
function exact(): IndexClass {
  const Promising = pretend()
  return class extends (Promising as unknown as new (options: { metric: Metric }) => { search(x: Points, options: { k: number; recall: number }): Promise<Found[]> }) {
    override search(x: Points, options: { k: number; recall: number }): Promise<Found[]> {
      return super.search(x, { ...options, recall: 1 })
    }
  } as unknown as IndexClass
}
