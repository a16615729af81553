// Vectors as words, through the package: what they are, what they find, how they are kept, and what is refused.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { ClusterTokens, knnSync, L2, LshTokens, SRP, weightedOverlap, type QueryWords, type VectorTokens } from 'nearhash'
import { afterAll, describe, expect, it } from 'vitest'
import { binding } from './support/binding.js'
import { refusal, rejection } from './support/errors.js'
import { photoHistograms } from './support/photos.js'
import { integers, matrixOf, normal, rowsOf } from './support/random.js'

const DIM = 12
const points = clumps(600, 1)
const queries = clumps(20, 5)
const options = { groups: 4, clusters: 16, seed: 3 }
const model = ClusterTokens.trainSync(points, options)
const folder = mkdtempSync(join(tmpdir(), 'nearhash-words-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What was stopped may need a moment to notice, and a blocking call then does without the threads. */
async function untilThreadsAreFree(): Promise<void> {
  const usesThreads = () => {
    binding.injectFault('pool')
    try {
      return model.encodeSync(queries) === undefined
    } catch {
      return true
    }
  }
  await expect.poll(usesThreads, { timeout: 20_000 }).toBe(true)
}

/** Rows around fifteen centres. */
function clumps(count: number, seed: number): number[][] {
  const centres = rowsOf(15, DIM, normal(99))
  return rowsOf(count, DIM, normal(seed)).map((row, i) => row.map((x, j) => Math.fround(x + 4 * centres[i % 15]![j]!)))
}

/** Every kind of words, with what a query asks for beside its own. */
const KINDS: [string, () => VectorTokens, number][] = [
  ['cluster tokens', () => model, 3],
  ['cluster tokens, cosine', () => ClusterTokens.trainSync(points, { ...options, metric: 'cosine', rotation: 'none' }), 3],
  ['SRP', () => new LshTokens(new SRP({ dim: DIM, nProjections: 6, nHashTables: 30 })), 3],
  ['L2', () => new LshTokens(new L2({ dim: DIM, nProjections: 4, nHashTables: 30, r: 9 })), 3],
  ['a fitted L2', () => new LshTokens(new L2({ seed: 8 }).fitSync(points)), 3],
]

describe.each(KINDS)('words of %s', (_name, make, probes) => {
  const tokens = make()

  it('are as many as the model says, all different, in plain ASCII', () => {
    for (const words of tokens.encodeSync(points)) {
      expect(words).toHaveLength(tokens.wordsPerVector)
      expect(new Set(words).size).toBe(words.length)
      for (const word of words) expect(word).toMatch(/^(\d+-\d+|t[0-9a-f]{2}:[\w-]+)$/)
    }
  })

  it('are the same blocking and promised, alone and in any batch', async () => {
    const all = tokens.encodeSync(points)
    expect(await tokens.encode(points)).toEqual(all)
    expect(await tokens.encode({ data: Float32Array.from(points.flat()), shape: [600, DIM] })).toEqual(all)
    expect(tokens.encodeSync(points[17]!)).toEqual([all[17]])
    expect([...tokens.encodeSync(points.slice(0, 333)), ...(await tokens.encode(points.slice(333)))]).toEqual(all)
    expect(tokens.encodeSync([])).toEqual([])
    expect(await tokens.encode(new Float32Array(0))).toEqual([])
  })

  it('of more vectors than one text holds come in order', async () => {
    const many = Array.from({ length: 2500 }, (_, i) => points[i % 600]!)
    const all = tokens.encodeSync(points)
    expect(await tokens.encode(many)).toEqual(many.map((_, i) => all[i % 600]))
  })

  it('of a query are weighted and each is there once', () => {
    for (const query of queries) {
      const { words, weights } = tokens.encodeQuery(query, { probes })
      expect(weights).toBeInstanceOf(Float32Array)
      expect(weights).toHaveLength(words.length)
      expect(words.length).toBeLessThanOrEqual(tokens.queryWordCount(probes))
      expect(new Set(words).size).toBe(words.length)
      for (const weight of weights) expect(weight).toSatisfy((w: number) => Number.isFinite(w) && w >= 0)
    }
    expect(tokens.encodeQuery(queries[0]!).words.length).toBeLessThanOrEqual(tokens.queryWordCount())
    expect(tokens.queryWordCount()).toBe(tokens.queryWordCount(tokens.probes))
  })

  it('find most of the true neighbours among the first candidates', () => {
    const documents = tokens.encodeSync(points)
    const truth = knnSync(points, queries, { k: 10, metric: tokens.metric })
    let found = 0
    for (const [i, query] of queries.entries()) {
      const asked = tokens.encodeQuery(query, { probes })
      const scores = documents.map((words) => weightedOverlap(asked, words))
      const order = documents.map((_, id) => id).sort((a, b) => scores[b]! - scores[a]! || a - b)
      const candidates = new Set(order.slice(0, 60))
      found += Array.from(truth.ids.subarray(10 * i, 10 * i + 10)).filter((id) => candidates.has(id)).length
    }
    expect(found / (10 * queries.length)).toBeGreaterThan(0.85)
  })

  it('are described as plain JSON', () => {
    const description = tokens.describe()
    expect(JSON.parse(JSON.stringify(tokens))).toEqual(description)
    expect(description).toMatchObject({ kind: tokens.kind, dim: DIM, metric: tokens.metric, version: 1 })
    expect(description.modelHash).toBe(tokens.modelHash)
    expect(tokens.modelHash).toMatch(/^[0-9a-f]{64}$/)
    // The caller's copy is the caller's.
    description.dim = 1
    expect(tokens.dim).toBe(DIM)
  })

  it('refuse what is no vector of their length', async () => {
    const short = points.map((row) => row.slice(1))
    for (const refused of [refusal(() => tokens.encodeSync(short)), await rejection(() => tokens.encode(short))]) {
      expect(refused).toMatchObject({ code: 'ERR_NEARHASH_DIMENSION', argument: 'x' })
    }
    expect(refusal(() => tokens.encodeQuery(short[0]!))).toMatchObject({ code: 'ERR_NEARHASH_DIMENSION', argument: 'v' })
    const spoilt = [points[0]!, points[1]!.map((x, j) => (j === 4 ? NaN : x))]
    expect(await rejection(() => tokens.encode(spoilt))).toMatchObject({ code: 'ERR_NEARHASH_NOT_FINITE', received: 'NaN at row 1, column 4' })
    expect(refusal(() => tokens.encodeQuery(spoilt[1]!))).toMatchObject({ code: 'ERR_NEARHASH_NOT_FINITE', argument: 'v' })
    expect(refusal(() => tokens.encodeSync('words' as never))).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT' })
    expect(refusal(() => tokens.encodeQuery(queries[0]!, { probes: -1 }))).toMatchObject({ argument: 'probes' })
    expect(refusal(() => tokens.encodeQuery(queries[0]!, { probe: 1 } as never))).toMatchObject({ argument: 'options' })
    expect(refusal(() => tokens.queryWordCount(1.5))).toMatchObject({ argument: 'probes' })
    if (tokens.metric === 'cosine') {
      expect(await rejection(() => tokens.encode([points[0]!, points[1]!.map(() => 0)]))).toMatchObject({ code: 'ERR_NEARHASH_ZERO_VECTOR', received: 'a zero vector at row 1' })
    }
  })

  it('live through panics', async () => {
    const expected = tokens.encodeSync(queries)
    for (const [place, call] of [
      ['call', () => tokens.encodeSync(queries)],
      ['call', () => tokens.encodeQuery(queries[0]!)],
      ['task', () => tokens.encode(queries)],
      ['pool', () => tokens.encode(queries)],
    ] as [string, () => unknown][]) {
      binding.injectFault(place)
      const error = await (async () => call())().then(() => 'no error', (reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'ERR_NEARHASH_INTERNAL' })
      expect(tokens.encodeSync(queries)).toEqual(expected)
    }
  })
})

describe('training', () => {
  it('gives the same model blocking and promised, and says how far it is', async () => {
    const stages = new Set<string>()
    const onProgress = ({ stage, done, total }: { stage: string; done: number; total: number }) => {
      expect(done).toBeLessThanOrEqual(total)
      stages.add(stage)
    }
    const promised = await ClusterTokens.train(points, { ...options, onProgress })
    expect(promised.toBytes()).toEqual(model.toBytes())
    expect(stages).toContain('validate')
  })

  it('takes what a loader returns', () => {
    const photos = photoHistograms()
    const some = { data: photos.data.subarray(0, 3000 * 64), shape: [3000, 64] as [number, number] }
    const trained = ClusterTokens.trainSync(some, { clusters: 32 })
    expect(trained.describe()).toMatchObject({ dim: 64, groups: 16, clusters: 32, rotation: 'random', metric: 'euclidean', trainedOn: 3000, seed: 0 })
    const { validation } = trained.describe()
    expect(validation).toMatchObject({ neighbors: 10, queries: 300, rows: 3000 })
    const last = validation!.recalls.at(-1)!
    expect(last.probes).toBe(trained.probes)
    expect(last.within100).toBeGreaterThan(0.9)
    expect(last.within300).toBeGreaterThanOrEqual(0.985)
    for (const { within100, within300 } of validation!.recalls) expect(within100).toBeLessThanOrEqual(within300)
  })

  it('rotates photo histograms, which finds far more of their neighbours', () => {
    const { data } = photoHistograms()
    const some = { data: data.subarray(0, 8000 * 64), shape: [8000, 64] as [number, number] }
    const within100 = (rotation: 'auto' | 'none') => ClusterTokens.trainSync(some, { rotation, clusters: 64, probes: 2 }).describe().validation!.recalls[0]!.within100
    expect(within100('auto')).toBeGreaterThan(within100('none') + 0.3)
  })

  it('asks for more clusters in a small collection, where that costs next to nothing', () => {
    const { data } = photoHistograms()
    const probesAndNeed = (count: number): number[] => {
      const trained = ClusterTokens.trainSync({ data: data.subarray(0, count * 64), shape: [count, 64] }, { rotation: 'random' })
      const { recalls } = trained.describe().validation!
      return [trained.probes, recalls.find(({ within300 }) => within300 >= 0.985)!.probes]
    }
    const [few, need] = probesAndNeed(3000) as [number, number]
    expect(few).toBeGreaterThan(need)
    // 16 lists of some hundred documents for each probe.
    const [many, needed] = probesAndNeed(31_000) as [number, number]
    expect(many).toBe(needed)
  })

  it('leaves the validation out when vectors are few', () => {
    const few = ClusterTokens.trainSync(points.slice(0, 40), options)
    expect(few.describe()).not.toHaveProperty('validation')
    expect(few.encodeSync(points.slice(0, 40)).length).toBe(40)
    const one = ClusterTokens.trainSync([[1, 2, 3]], { groups: 3, clusters: 256 })
    expect(one.encodeSync([5, 5, 5])).toEqual([['0-0', '1-0', '2-0']])
    expect(one.queryWordCount(8)).toBe(3)
  })

  it('can be stopped, while it runs and before', async () => {
    const many = matrixOf(40_000, 256, integers(31, 1000))
    const stop = new AbortController()
    const training = ClusterTokens.train(many, { groups: 128, clusters: 1024, signal: stop.signal })
    setTimeout(() => stop.abort('enough'), 50)
    await expect(training).rejects.toBe('enough')
    await expect(ClusterTokens.train(many, { signal: AbortSignal.abort('before') })).rejects.toBe('before')
    await expect(model.encode(many, { signal: AbortSignal.abort('before') })).rejects.toBe('before')
    await untilThreadsAreFree()
  })

  it('refuses options that it does not know or cannot follow', async () => {
    const bad: [object, string][] = [
      [{ groups: 0 }, 'groups'], [{ groups: 13 }, 'groups'], [{ groups: 2.5 }, 'groups'], [{ clusters: 0 }, 'clusters'],
      [{ clusters: 65_537 }, 'clusters'], [{ metric: 'dot' }, 'metric'], [{ rotation: true }, 'rotation'], [{ probes: 0 }, 'probes'],
      [{ clusters: 8, probes: 9 }, 'probes'], [{ iterations: 0 }, 'iterations'], [{ sample: 0 }, 'sample'], [{ seed: -1 }, 'seed'],
      [{ cluster: 8 }, 'options'], [{ signal: 5 }, 'signal'], [{ onProgress: 5 }, 'onProgress'],
    ]
    for (const [wrong, argument] of bad) {
      expect(await rejection(() => ClusterTokens.train(points, wrong))).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT', argument })
    }
    expect(refusal(() => ClusterTokens.trainSync(points, { groups: 13 }))).toMatchObject({ argument: 'groups', allowed: '1 to 12' })
    expect(await rejection(() => ClusterTokens.train([]))).toMatchObject({ argument: 'x', received: '0 vectors' })
    expect(await rejection(() => ClusterTokens.train([[1, NaN]]))).toMatchObject({ code: 'ERR_NEARHASH_NOT_FINITE' })
    expect(await rejection(() => ClusterTokens.train([[1, 2], [0, 0]], { metric: 'cosine' }))).toMatchObject({ code: 'ERR_NEARHASH_ZERO_VECTOR' })
    expect(refusal(() => new (ClusterTokens as unknown as new () => unknown)())).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT' })
    expect(refusal(() => new (ClusterTokens as unknown as new (made: unknown) => unknown)({ describe: () => ({}) }))).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT' })
  })

  it('lives through panics', async () => {
    for (const place of ['task', 'pool']) {
      binding.injectFault(place)
      await expect(ClusterTokens.train(points, options)).rejects.toMatchObject({ code: 'ERR_NEARHASH_INTERNAL' })
    }
    for (const place of ['call', 'pool']) {
      binding.injectFault(place)
      expect(() => ClusterTokens.trainSync(points, options)).toThrow(/injected panic/)
    }
    expect(ClusterTokens.trainSync(points, options).modelHash).toBe(model.modelHash)
  })
})

describe('codes', () => {
  it('are the numbers of the words', async () => {
    const codes = model.encodeCodesSync(points)
    expect(codes.data).toBeInstanceOf(Uint8Array)
    expect(codes.shape).toEqual([600, 4])
    const words = model.encodeSync(points)
    expect(words.flat()).toEqual(Array.from(codes.data, (code, i) => `${i % 4}-${code}`))
    expect(await model.encodeCodes(points)).toEqual(codes)
    expect(model.encodeCodesSync([])).toEqual({ data: new Uint8Array(0), shape: [0, 4] })
  })

  it('take two bytes for more than 256 clusters', () => {
    const fine = ClusterTokens.trainSync(points, { groups: 2, clusters: 300 })
    const { data } = fine.encodeCodesSync(points)
    expect(data).toBeInstanceOf(Uint16Array)
    expect(Math.max(...data)).toBeGreaterThan(255)
  })
})

describe('a model in a file', () => {
  const path = join(folder, 'model.bin')

  it('comes back whole', async () => {
    await model.save(path)
    const loaded = await ClusterTokens.load(path)
    expect(loaded.describe()).toEqual(model.describe())
    expect(loaded.encodeSync(points)).toEqual(model.encodeSync(points))
    expect(loaded.encodeQuery(queries[0]!)).toEqual(model.encodeQuery(queries[0]!))
    expect(inspect(loaded)).toBe(inspect(model))
    expect(inspect(model)).toBe(`ClusterTokens { dim: 12, metric: 'euclidean', groups: 4, clusters: 16, rotation: '${model.describe().rotation}', probes: ${model.probes} }`)
  })

  it('replaces an older one at once, and leaves nothing beside it', async () => {
    const other = ClusterTokens.trainSync(points, { ...options, seed: 4 })
    await model.save(path)
    await other.save(path)
    expect((await ClusterTokens.load(path)).modelHash).toBe(other.modelHash)
    const stop = AbortSignal.abort('no more')
    await expect(model.save(path, { signal: stop })).rejects.toBe('no more')
    await expect(ClusterTokens.load(path, { signal: stop })).rejects.toBe('no more')
    expect((await ClusterTokens.load(path)).modelHash).toBe(other.modelHash)
    await expect(model.save(join(folder, 'nowhere', 'model.bin'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(readdirSync(folder)).toEqual(['model.bin'])
  })

  it('that is damaged, cut short or something else is refused', async () => {
    await model.save(path)
    const whole = readFileSync(path)
    truncateSync(path, statSync(path).size - 1)
    expect(await rejection(() => ClusterTokens.load(path))).toMatchObject({ code: 'ERR_NEARHASH_FORMAT', argument: 'bytes' })
    for (let place = 0; place < whole.length; place += 7) {
      const damaged = Buffer.from(whole)
      damaged[place]! ^= 0x10
      expect(refusal(() => ClusterTokens.fromBytes(damaged)).code).toBe('ERR_NEARHASH_FORMAT')
    }
    writeFileSync(path, '{ "kind": "cluster-tokens" }')
    expect((await rejection(() => ClusterTokens.load(path))).received).toBe('28 bytes that are no model of cluster tokens')
    writeFileSync(path, '')
    expect(await rejection(() => ClusterTokens.load(path))).toMatchObject({ code: 'ERR_NEARHASH_FORMAT' })
    rmSync(path)
    await expect(ClusterTokens.load(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('counts as memory that V8 knows of', async () => {
    const wide = ClusterTokens.trainSync(rowsOf(3000, 128, normal(7)), { groups: 1, clusters: 1024, iterations: 1, rotation: 'none', probes: 1 })
    const bytes = wide.toBytes()
    const { memoryBytes } = wide.describe()
    expect(memoryBytes).toBeGreaterThan(1024 * 128 * 4)
    const before = binding.reportedMemory()
    const loaded = ClusterTokens.fromBytes(bytes)
    expect(binding.reportedMemory() - before).toBe(memoryBytes)
    expect(loaded.modelHash).toBe(wide.modelHash)
  })

  it('needs a path, and bytes are a Uint8Array', async () => {
    for (const wrong of [undefined, '', 5, null]) {
      expect(await rejection(() => ClusterTokens.load(wrong as never))).toMatchObject({ argument: 'path' })
      expect(await rejection(() => model.save(wrong as never))).toMatchObject({ argument: 'path' })
    }
    for (const wrong of [undefined, 'bytes', [1, 2], new Float32Array(4)]) {
      expect(refusal(() => ClusterTokens.fromBytes(wrong as never))).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT', argument: 'bytes' })
    }
    const shared = new Uint8Array(new SharedArrayBuffer(model.toBytes().length))
    shared.set(model.toBytes())
    expect(ClusterTokens.fromBytes(shared).modelHash).toBe(model.modelHash)
  })
})

describe('words of hash tables', () => {
  it('are those of the buckets', () => {
    const index = new SRP({ nProjections: 8, nHashTables: 3 }).fitSync(points)
    const words = new LshTokens(index).encodeSync(points)
    for (let table = 0; table < 3; table++) {
      for (const [bits, ids] of index.buckets(table)) {
        // The first projection is the lowest bit.
        const key = parseInt([...bits].reverse().join(''), 2).toString(16).padStart(2, '0')
        for (const id of ids) expect(words[id]![table]).toBe(`t0${table}:${key}`)
      }
    }
  })

  it('need an index whose hash functions are known', () => {
    for (const open of [new SRP(), new SRP({ dim: 3, nProjections: 4 }), new L2({ dim: 3, nProjections: 4, nHashTables: 2 })]) {
      expect(refusal(() => new LshTokens(open))).toMatchObject({ code: 'ERR_NEARHASH_NOT_FITTED', argument: 'index' })
    }
    for (const wrong of [undefined, {}, model]) expect(refusal(() => new LshTokens(wrong as never))).toMatchObject({ argument: 'index' })
    const gone = new SRP(2, 2, { dim: 2 })
    gone.dispose()
    expect(refusal(() => new LshTokens(gone))).toMatchObject({ code: 'ERR_NEARHASH_DISPOSED' })
  })

  it('stay as they are when the index is fitted again, changed or disposed', () => {
    const index = new L2().fitSync(points)
    const tokens = new LshTokens(index)
    const words = tokens.encodeSync(queries)
    index.fitSync(points.map((row) => row.map((x) => x * 100)))
    expect(tokens.encodeSync(queries)).toEqual(words)
    index.dispose()
    expect(tokens.encodeSync(queries)).toEqual(words)
    expect(tokens.encodeQuery(queries[0]!).words).toEqual(words[0])
  })
})

describe('the weighted overlap', () => {
  const query: QueryWords = { words: ['0-1', '0-2', '1-7'], weights: Float32Array.of(0.5, 0.25, 2) }

  it('is the sum of the weights of shared words', () => {
    expect(weightedOverlap(query, ['0-2', '1-7', '2-9'])).toBe(2.25)
    expect(weightedOverlap(query, ['1-7', '1-7'])).toBe(2)
    expect(weightedOverlap(query, [])).toBe(0)
    expect(weightedOverlap({ words: [], weights: new Float32Array(0) }, ['0-1'])).toBe(0)
    expect(weightedOverlap({ words: ['ünï "☃"'], weights: Float32Array.of(1) }, ['ünï "☃"'])).toBe(1)
  })

  it('is largest for the vector itself', () => {
    const documents = model.encodeSync(points)
    for (let i = 0; i < 50; i++) {
      const asked = model.encodeQuery(points[i]!)
      const own = weightedOverlap(asked, documents[i]!)
      for (const words of documents) expect(weightedOverlap(asked, words)).toBeLessThanOrEqual(own)
    }
  })

  it('refuses what are no words or weights', () => {
    const bad: [unknown, unknown, string][] = [
      [{ words: ['a'], weights: [1] }, [], 'query.weights'], [{ words: ['a'], weights: new Float32Array(2) }, [], 'query.weights'],
      [{ words: [1], weights: new Float32Array(1) }, [], 'query.words'], [{}, [], 'query.words'], [null, [], 'query.words'],
      [query, 'word', 'documentWords'], [query, [1], 'documentWords'], [query, undefined, 'documentWords'],
    ]
    for (const [asked, words, argument] of bad) {
      expect(refusal(() => weightedOverlap(asked as never, words as never))).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT', argument })
    }
  })
})
