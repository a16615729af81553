import { describe, expect, it } from 'vitest'
import { costFigure } from '../../benchmark/search-engine/figure.mjs'
import { jittered } from '../../benchmark/search-engine/growth.mjs'
import { nativeBody, nativeIndexBody, RECIPES, recipeBody, scriptBody } from '../../benchmark/search-engine/rivals.mjs'
import { renderSvg } from '../../benchmark/report/render.mjs'

describe('rows with jitter', () => {
  const base = { data: Uint16Array.of(0, 100, 1, 4000, 0, 7), shape: [2, 3] as [number, number] }

  it('begin with the rows themselves, and repeat them with small changes', () => {
    const { data, shape } = jittered(base, 400)
    expect(shape).toEqual([400, 3])
    expect([...data.subarray(0, 6)]).toEqual([...base.data])
    let changed = 0
    for (let i = 6; i < data.length; i++) {
      const original = base.data[i % 6]!
      expect(Math.abs(data[i]! - original)).toBeLessThanOrEqual(original === 0 ? 0 : Math.max(1, original / 10))
      if (data[i] !== original) changed++
    }
    expect(changed).toBeGreaterThan(300)
  })

  it('are the same in every run', () => {
    expect(jittered(base, 50)).toEqual(jittered(base, 50))
  })
})

describe('the published recipe', () => {
  it('is sent as it was published, and with every default left alone', () => {
    const words = ['0-1', '1-2']
    const parameters = RECIPES.map((recipe) => {
      const { fields, like, ...cutOffs } = (recipeBody(recipe, words, 100).query as any).more_like_this
      expect(fields).toEqual(['nearhash.vector.words'])
      expect(like[0].doc.nearhash.vector.words).toBe(words)
      return cutOffs
    })
    expect(parameters).toEqual([
      {},
      { min_term_freq: 1, max_query_terms: 2 },
      { min_term_freq: 1, max_query_terms: 2, min_doc_freq: 1, minimum_should_match: '1' },
    ])
  })
})

describe('exact search by script', () => {
  it('reads the numbers as they are stored', () => {
    const source = (type: 'uint8' | 'int16' | 'float32') => (scriptBody([1, 2], type, 10).query.script_score as any).script.source as string
    expect(source('uint8')).toContain('& 255;')
    expect(source('int16')).toContain('<< 8')
    expect(source('float32')).toContain('intBitsToFloat')
  })
})

describe("the server's own k-NN", () => {
  it('has the same graph on both servers, and is asked for ten with as many candidates', () => {
    const graphs = (['opensearch', 'elasticsearch'] as const).map((flavour) => {
      const { vector } = nativeIndexBody(flavour, 3, 'euclidean').mappings.properties as any
      const { m, ef_construction } = vector.index_options ?? vector.method.parameters
      return { dim: vector.dims ?? vector.dimension, m, ef_construction }
    })
    expect(graphs).toEqual(Array(2).fill({ dim: 3, m: 16, ef_construction: 100 }))
    expect(nativeBody('opensearch', Float32Array.of(1, 2), 50)).toMatchObject({ size: 10, query: { knn: { vector: { vector: [1, 2], k: 50 } } } })
    expect(nativeBody('elasticsearch', Float32Array.of(1, 2), 50)).toMatchObject({ size: 10, knn: { query_vector: [1, 2], k: 10, num_candidates: 50 } })
  })
})

describe('the figure', () => {
  const timing = { median: 1, lowerQuartile: 1, upperQuartile: 1, fastest: 1, slowest: 1, runs: 3 }
  const query = { candidates: 300, recall: 0.9, few: 0, milliseconds: timing, serverMilliseconds: 1, cpuMilliseconds: 2 }
  const about = { model: {}, trainSeconds: 1, ingest: {}, storeBytes: 1 }
  const results = {
    engine: 'opensearch 2.19.1',
    sets: [
      {
        name: 'photos', metric: 'euclidean', rows: 10, dim: 2,
        indices: [
          { ...about, name: 'default', queries: [{ ...query, name: 'weighted, t = 4 (default)' }] },
          { ...about, name: 'published recipe', queries: [{ ...query, name: 'recipe as published', cpuMilliseconds: 0 }] },
          { ...about, name: 'native k-NN', queries: [{ ...query, name: 'native HNSW, k = 300' }] },
        ],
      },
    ],
    growth: [10_000, 100_000].map((documents) => ({ ...about, documents, kind: '256 clusters', clusters: 256, queries: [{ ...query, name: 'weighted, t = 4 (default)' }] })),
  }

  it('shows every set and the growth', async () => {
    const svg = await renderSvg(costFigure(results as never))
    for (const text of ['photos', 'weighted words, 300', 'published recipe', 'native HNSW', 'Cost as documents grow', 'default, 300 candidates']) expect(svg).toContain(text)
    expect(svg).not.toContain('NaN')
  })

  it('does without growth', async () => {
    expect(await renderSvg(costFigure({ ...results, growth: [] } as never))).not.toContain('as documents grow')
  })
})
