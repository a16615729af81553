import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { knnSync, weightedOverlap, type QueryWords } from 'nearhash'
import { describe, expect, test } from 'vitest'
import { InvertedIndex } from '../../benchmark/words/inverted-index.mjs'
import { plansFor, trueNeighbours, tryModel } from '../../benchmark/words/trials.mjs'
import { runCommand } from './commands.js'
import { bytes, npyBytes, temporaryFolder, write } from './files.js'

const [rows, asked, dim] = [1500, 40, 12]

/** Numbers around a few centres, the same every time. */
function clumps(count: number, seed: number): Float32Array {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Float32Array.from({ length: count * dim }, (_, i) => next() + 2 * Math.sin(1 + (Math.floor(i / dim) % 9) * 7 + (i % dim) * 3))
}

function evaluationSet(metric: 'euclidean' | 'cosine') {
  const base = { data: clumps(rows, 1), shape: [rows, dim] as [number, number] }
  return { name: 'clumps', metric, base, queries: { data: clumps(asked, 2), shape: [asked, dim] as [number, number] } }
}

describe('an inverted index', () => {
  const documents = Array.from({ length: 300 }, (_, i) => [`0-${i % 7}`, `1-${(i * i) % 5}`, `2-${i % 3}`])
  const index = new InvertedIndex(documents)

  test('ranks by the weight of shared words, ties to the lower document', () => {
    const query: QueryWords = { words: ['0-3', '0-4', '1-1', '2-2', '9-9'], weights: Float32Array.of(1, 0.5, 0.75, 0, 8) }
    const scores = documents.map((words) => weightedOverlap(query, words))
    const matching = documents.flatMap((words, id) => (words.some((word) => query.words.includes(word)) ? [id] : []))
    const order = matching.sort((a, b) => scores[b]! - scores[a]! || a - b)
    for (const most of [1, 5, 60, 300]) {
      const found = index.search(query, most)
      expect(Array.from(found.documents)).toEqual(order.slice(0, most))
      expect(found.touched).toBe(order.length)
      expect(found.postings).toBe(documents.flat().filter((word) => query.words.includes(word)).length)
    }
    expect(index.words).toBe(7 + 3 + 3)
  })

  test('finds nothing by words that no document has', () => {
    expect(index.search({ words: ['5-5'], weights: Float32Array.of(1) }, 10)).toEqual({ documents: new Uint32Array(0), postings: 0, touched: 0 })
  })
})

describe('a trial', () => {
  test('counts the true neighbours within the candidates', async () => {
    const set = evaluationSet('euclidean')
    const truth = await trueNeighbours(set)
    expect(Array.from(truth[3]!)).toEqual(Array.from(knnSync(set.base, set.queries, { k: 10 }).ids.subarray(30, 40)))
    const [plan] = plansFor(set)
    const { queries, trainMs, words } = await tryModel(set, plan!, truth)
    expect(trainMs).toBeGreaterThan(0)
    expect(words).toBeGreaterThan(100)
    const [chosen, ...others] = queries.filter(({ isDefault }) => isDefault)
    expect(others).toEqual([])
    expect(chosen!.within300).toBeGreaterThan(0.9)
    for (const { within100, within300, postings, touched } of queries) {
      expect(within300).toBeGreaterThanOrEqual(within100)
      expect(postings).toBeGreaterThan(touched)
    }
  })

  test('with neighbours that are given takes those', async () => {
    const neighbours = { data: Int32Array.from({ length: asked * 12 }, (_, i) => i % 12), shape: [asked, 12] as [number, number] }
    const truth = await trueNeighbours({ ...evaluationSet('euclidean'), neighbours })
    expect(truth).toHaveLength(asked)
    expect(Array.from(truth[7]!)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

describe('npm run bench:words', () => {
  test('tries every model on every set and writes what it found', async () => {
    const folder = await temporaryFolder()
    const path = await temporaryFolder()
    const set = evaluationSet('cosine')
    const { ids } = knnSync(set.base, set.queries, { k: 12, metric: 'cosine' })
    await mkdir(join(folder, 'clumps'))
    await write(join(folder, 'clumps'), 'base.npy', npyBytes('<f4', [rows, dim], bytes(set.base.data)))
    await write(join(folder, 'clumps'), 'queries.npy', npyBytes('<f4', [asked, dim], bytes(set.queries.data)))
    await write(join(folder, 'clumps'), 'neighbors.npy', npyBytes('<i4', [asked, 12], bytes(Int32Array.from(ids))))
    await write(join(folder, 'clumps'), 'metric.txt', 'cosine')
    const { code, stdout, stderr } = await runCommand('words', ['--queries', '25', '--out', path], { env: { NEARHASH_DATA: folder } })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('clumps: 1,500 x 12, 25 queries, cosine')
    const { sets } = JSON.parse(await readFile(join(path, 'words.json'), 'utf8')) as { sets: { queries: number; models: { model: string; queries: object[] }[] }[] }
    expect(sets).toHaveLength(1)
    expect(sets[0]!.queries).toBe(25)
    expect(sets[0]!.models.map(({ model }) => model.replace(/[:,].*/, ''))).toEqual(['cluster tokens', 'cluster tokens', 'published recipe', 'SRP'])
    for (const { model, queries } of sets[0]!.models) {
      expect(stdout).toContain(model)
      expect(queries.length).toBeGreaterThan(0)
    }
  })

  test.each<[string, string[], RegExp]>([
    ['no queries', ['--queries', '0'], /--queries "0": a whole number from 1/],
    ['an unknown option', ['--groups', '5'], /unknown option '--groups'/],
  ])('answers %s in one line', async (_, args, message) => {
    const { code, stderr } = await runCommand('words', args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^npm run bench:words: [^\n]+\n$/)
  })
})
