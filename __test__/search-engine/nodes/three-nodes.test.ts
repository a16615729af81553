import { connect, SearchEngineIndex } from 'nearhash/search-engine'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineCluster } from '../../../scripts/engine-cluster.mjs'
import { findRelease } from '../../../scripts/engine-releases.mjs'
import { rejection } from '../../support/errors.js'
import { documentsOf, flavour, photoModel, photos, version } from '../servers/server.js'

const { rows, queries } = photos(3000)
const model = photoModel(rows)
const release = findRelease(flavour, version)

interface Hit {
  id: string
  score: number
}

/** Candidates of a query as the server gives them. */
async function candidates(index: SearchEngineIndex, url: string, vector: number[]): Promise<Hit[]> {
  const { status, body } = await connect({ nodes: url }).request({
    method: 'POST',
    path: `/${index.name}/_search`,
    query: { allow_partial_search_results: false },
    body: index.buildQuery({ vector, candidates: 100 }),
  })
  expect(status).toBe(200)
  return (body as any).hits.hits.map((hit: any) => ({ id: hit.fields['nearhash.id'][0], score: hit._score }))
}

/** Ids above the last score, where no tie decides. */
function sure(hits: Hit[]): string[] {
  const last = hits.at(-1)!.score
  return hits.filter(({ score }) => score > last).map(({ id }) => id).sort()
}

describe('three nodes in three processes', () => {
  let alone: Hit[][]
  let cluster: EngineCluster

  beforeAll(async () => {
    const single = await EngineCluster.start({ release, heap: '400m' })
    try {
      const index = new SearchEngineIndex({ transport: connect({ nodes: single.url }), name: 'photos', model })
      await index.create({ shards: 1, replicas: 0 })
      await index.bulkIngest(documentsOf(rows))
      alone = []
      for (const vector of queries) alone.push(await candidates(index, single.url, vector))
    } finally {
      await single.stop()
    }
    cluster = await EngineCluster.start({ release, nodes: 3, heap: '400m' })
  })

  afterAll(() => cluster?.stop())

  it('choose the candidates that one node chooses, and answer when a node is lost', async () => {
    const nodes = cluster.nodes.map(({ url }) => url)
    const index = new SearchEngineIndex({ transport: connect({ nodes, timeout: 20_000 }), name: 'photos', model })
    await index.create({ shards: 3, replicas: 1 })
    await index.bulkIngest(documentsOf(rows), { loadMode: true })
    await cluster.green()
    for (const [i, vector] of queries.entries()) {
      const found = await candidates(index, nodes[i % 3]!, vector)
      expect(found.map(({ score }) => score)).toEqual(alone[i]!.map(({ score }) => score))
      expect(sure(found)).toEqual(sure(alone[i]!))
    }

    const before = await Promise.all(queries.map((vector) => index.search({ vector })))
    await cluster.kill(2)
    for (const [i, vector] of queries.entries()) {
      const after = await index.search({ vector })
      expect(after.partial).toBe(false)
      expect(after.distances).toEqual(before[i]!.distances)
    }
    expect(await index.count()).toBe(rows.length)
    await index.store({ id: 'new', vector: queries[0]! }, { refresh: true })
    expect((await index.search({ vector: queries[0]!, k: 1 })).ids).toEqual(['new'])
    expect(cluster.nodes).toHaveLength(2)
  })

  it('whose shards have no copies say so when one is lost, and give the rest where that is allowed', async () => {
    const nodes = cluster.nodes.map(({ url }) => url)
    const index = new SearchEngineIndex({ transport: connect({ nodes, timeout: 20_000 }), name: 'single-copies', model, retries: { attempts: 1 } })
    await index.create({ shards: 4, replicas: 0 })
    await index.bulkIngest(documentsOf(rows))
    expect((await index.search({ vector: queries[0]!, k: 100 })).length).toBe(100)
    // One node is left, with half of the shards. Without a majority it changes nothing any more, but answers.
    await cluster.kill(1)
    const error = await rejection(() => index.search({ vector: queries[0]! }))
    expect(error.code).toBe('ERR_NEARHASH_ENGINE_PARTIAL_RESULT')
    const rest = await index.search({ vector: queries[0]!, k: 100, candidates: 3000, partial: true })
    expect(rest.partial).toBe(true)
    expect(rest.candidates).toBeLessThan(rows.length)
    expect(rest.candidates).toBeGreaterThan(0)
  })
})
