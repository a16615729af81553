import { knnSync, L2, LshTokens, SRP, weightedOverlap, type VectorTokens } from 'nearhash'
import { afterAll, describe, expect, it } from 'vitest'
import { cleanUp, documentsOf, freshIndex, photoModel, photos, rawSearch, rowsOf } from './server.js'

afterAll(cleanUp)

const { rows, queries } = photos(3000)

const models: [string, () => VectorTokens][] = [
  ['cluster tokens', () => photoModel(rows)],
  ['words of SRP tables', () => new LshTokens(new SRP({ dim: 64, nProjections: 10, nHashTables: 32, seed: 1 }))],
  ['words of L2 tables', () => new LshTokens(new L2({ dim: 64, nProjections: 6, nHashTables: 32, r: 1500, seed: 1 }))],
]

describe.each(models)('the score of %s', (_, make) => {
  const model = make()
  const words = model.encodeSync(rows)

  it.each([1, 3])('is the weighted overlap, with %d shards, for every hit', async (shards) => {
    const index = freshIndex({ model })
    await index.create({ shards, replicas: 0 })
    await index.bulkIngest(documentsOf(rows))
    let compared = 0
    for (const query of queries) {
      for (const options of [{}, { probes: 1 }, { matching: 'words' as const }, { filter: { exists: { field: 'nearhash.vector.vector' } } }]) {
        const { words: asked, weights } =
          options.matching === 'words'
            ? { words: model.encodeSync([query])[0]!, weights: new Float32Array(model.wordsPerVector).fill(1) }
            : model.encodeQuery(query, 'probes' in options ? { probes: options.probes! } : {})
        for (const { id, score } of await rawSearch(index.name, index.buildQuery({ vector: query, ...options }))) {
          const oracle = weightedOverlap({ words: asked, weights }, words[Number(id.slice(1))]!)
          expect(Math.abs(score - oracle)).toBeLessThanOrEqual(1e-6 * Math.max(1, oracle))
          compared++
        }
      }
    }
    expect(compared).toBeGreaterThan(5000)
  })

  it('chooses the same candidates with one shard and with three, ties aside', async () => {
    const [one, three] = [freshIndex({ model }), freshIndex({ model })]
    await one.create({ shards: 1, replicas: 0 })
    await three.create({ shards: 3, replicas: 0 })
    for (const index of [one, three]) await index.bulkIngest(documentsOf(rows))
    for (const query of queries) {
      const [a, b] = await Promise.all([one, three].map((index) => rawSearch(index.name, index.buildQuery({ vector: query, candidates: 100 }))))
      expect(b!.map(({ score }) => score)).toEqual(a!.map(({ score }) => score))
      const last = a!.at(-1)!.score
      const sure = (hits: typeof a) => hits!.filter(({ score }) => score > last).map(({ id }) => id).sort()
      expect(sure(b)).toEqual(sure(a))
    }
  })
})

describe('a search', () => {
  it('that has every document as a candidate is exact search', async () => {
    const model = photoModel(rows)
    const index = freshIndex({ model })
    await index.create({ shards: 2, replicas: 0 })
    await index.bulkIngest(documentsOf(rows))
    const exact = knnSync(rows, queries, { k: 20 })
    for (const [i, vector] of queries.entries()) {
      const found = await index.search({ vector, k: 20, candidates: rows.length, probes: 64 })
      expect(found.candidates).toBe(rows.length)
      expect(Array.from(found.distances)).toEqual(Array.from(exact.at(i).distances))
      const byDistance = new Map(rowsOf(found).map((row, at) => [row, found.distances[at]]))
      for (const [at, row] of exact.at(i).ids.entries()) {
        // Ties go to the lower row there and to the lower id, as text, here.
        if (byDistance.get(row) === undefined) expect(found.distances.at(-1)).toBe(exact.at(i).distances[at])
      }
    }
  })

  it.each(models)('by %s finds nearly all neighbours with the default query', async (_, make) => {
    const index = freshIndex({ model: make() })
    await index.create({ replicas: 0 })
    await index.bulkIngest(documentsOf(rows))
    // Of the metric that the model is for.
    const { metric } = make()
    const exact = knnSync(rows, queries, { k: 10, metric })
    let hits = 0
    for (const [i, vector] of queries.entries()) {
      const found = new Set(rowsOf(await index.search({ vector })))
      hits += Array.from(exact.at(i).ids).filter((row) => found.has(row)).length
    }
    expect(hits / (10 * queries.length)).toBeGreaterThan(0.85)
  })
})
