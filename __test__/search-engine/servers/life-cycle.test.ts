import { Client as ElasticsearchClient } from '@elastic/elasticsearch'
import { Client as OpenSearchClient } from '@opensearch-project/opensearch'
import { LshTokens, SRP } from 'nearhash'
import { connect, fromClient, SearchEngineIndex } from 'nearhash/search-engine'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { rejection } from '../../support/errors.js'
import { FaultyProxy } from '../faulty-proxy.js'
import { cleanUp, documentsOf, flavour, freshIndex, freshName, photoModel, photos, request, url, version } from './server.js'

afterAll(cleanUp)

const { rows, queries } = photos(1000, 5)
const model = photoModel(rows)
const mappings = { properties: { caption: { type: 'text' }, n: { type: 'integer' } } }

describe('an index', () => {
  it('recognises its server', async () => {
    expect(await freshIndex({ model }).server()).toEqual({ flavour, version, major: Number.parseInt(version, 10) })
  })

  it('has versions behind its name that are swapped in one step and rolled back', async () => {
    const index = freshIndex({ model })
    const first = await index.create({ replicas: 0 })
    expect(first).toBe(`${index.name}-${model.modelHash.slice(0, 8)}-000001`)
    await index.bulkIngest(documentsOf(rows.slice(0, 10)))
    const second = await index.create({ replicas: 0 })
    expect(await index.open()).toBe(first)
    await index.bulkIngest(documentsOf(rows.slice(0, 20)), { index: second })
    expect(await index.count()).toBe(10)
    await index.makeCurrent(second)
    expect(await index.count()).toBe(20)
    expect((await index.versions()).map(({ index, current }) => [index, current])).toEqual([[first, false], [second, true]])
    expect(await index.rollBack()).toBe(first)
    expect(await index.count()).toBe(10)
    expect((await rejection(() => index.rollBack())).code).toBe('ERR_NEARHASH_ENGINE_INDEX_MISSING')
    expect((await rejection(() => index.removeVersion(first))).argument).toBe('index')
    await index.removeVersion(second)
    expect(await index.versions()).toHaveLength(1)
    expect((await rejection(() => index.makeCurrent('someone-elses-index'))).code).toBe('ERR_NEARHASH_ENGINE_INDEX_MISSING')
  })

  it('answers every search while the name is swapped', async () => {
    const index = freshIndex({ model })
    const versions = [await index.create({ replicas: 0 }), await index.create({ replicas: 0 })]
    for (const version of versions) await index.bulkIngest(documentsOf(rows), { index: version })
    let [stop, searches] = [false, 0]
    const searching = Promise.all(
      [1, 2].map(async () => {
        while (!stop) {
          expect((await index.search({ vector: rows[7]!, k: 1 })).distances[0]).toBe(0)
          searches++
        }
      }),
    )
    for (let i = 0; i < 10; i++) await index.makeCurrent(versions[(i + 1) % 2]!)
    stop = true
    await searching
    expect(searches).toBeGreaterThan(5)
  })

  it('leaves the documents\' own mapping alone, and says what the server dislikes in it', async () => {
    const index = freshIndex({ model })
    const physical = await index.create({ replicas: 0, mappings: { ...mappings, _meta: { owner: 'me' }, dynamic: 'strict' } })
    const { body } = await request('GET', `/${physical}/_mapping`)
    expect(body[physical].mappings).toMatchObject({ dynamic: 'strict', _meta: { owner: 'me' }, properties: mappings.properties })
    const refused = await rejection(() => index.store({ id: 'a', vector: rows[0]!, fields: { unheard: 1 } }))
    expect(refused).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_MAPPING', status: 400 })
    expect(refused.received).toContain('unheard')
    const wrong = await rejection(() => index.store({ id: 'a', vector: rows[0]!, fields: { n: 'many' } }))
    expect(wrong.code).toBe('ERR_NEARHASH_ENGINE_MAPPING')
    for (const part of [{ properties: { nearhash: {} } }, { _meta: { nearhash: {} } }]) {
      expect((await rejection(() => index.create({ mappings: part }))).code).toBe('ERR_NEARHASH_ARGUMENT')
    }
  })

  it('can be made by other programs from its template', async () => {
    const index = freshIndex({ model })
    await index.putTemplate({ shards: 2, replicas: 0, mappings })
    const physical = `${index.name}-${model.modelHash.slice(0, 8)}-000001`
    expect((await request('PUT', `/${physical}`)).status).toBe(200)
    await index.makeCurrent(physical)
    await index.store({ id: 'a', vector: rows[0]! }, { refresh: true })
    expect((await index.search({ vector: rows[0]! })).ids).toEqual(['a'])
    await request('DELETE', `/_index_template/nearhash-${index.name}`)
  })

  it('refuses another model, and is encoded anew for it from its own vectors', async () => {
    const name = freshName()
    const index = freshIndex({ name, model })
    await index.create({ shards: 2, replicas: 0, mappings })
    await index.bulkIngest(documentsOf(rows, (n) => ({ caption: `photo ${n}`, n })))
    const better = freshIndex({ name, model: photoModel(rows, { clusters: 32, seed: 9 }) })
    expect((await rejection(() => better.search({ vector: rows[0]! }))).code).toBe('ERR_NEARHASH_ENGINE_MODEL_MISMATCH')
    const { index: version, progress } = await index.reencode(better)
    expect(progress).toMatchObject({ indexed: 1000, refused: 0 })
    expect(await better.open()).toBe(version)
    expect(await better.count()).toBe(1000)
    const found = await better.search({ vector: rows[5]!, k: 1, fields: true, filter: { match: { caption: '5' } } })
    expect(found.documents).toEqual([{ caption: 'photo 5', n: 5 }])
    expect((await rejection(() => index.search({ vector: rows[0]! }))).code).toBe('ERR_NEARHASH_ENGINE_MODEL_MISMATCH')
    const { body } = await request('GET', `/${version}/_settings`)
    expect(body[version].settings.index).toMatchObject({ number_of_shards: '2', number_of_replicas: '0' })
    expect(JSON.stringify((await request('GET', `/${version}/_mapping`)).body)).not.toContain('setAside')
    await index.rollBack()
    expect((await index.search({ vector: rows[0]!, k: 1 })).distances[0]).toBe(0)
  })

  it('keeps vectors and words out of the source when it is lean, and refuses what it can not do then', async () => {
    const [lean, full] = [freshIndex({ model, storage: 'lean' }), freshIndex({ model })]
    for (const index of [lean, full]) {
      await index.create({ replicas: 0, mappings })
      await index.bulkIngest(documentsOf(rows, (n) => ({ n })))
    }
    const source = async ({ name }: SearchEngineIndex): Promise<string[]> => {
      const { body } = await request('POST', `/${name}/_search`, { size: 1 })
      return Object.keys(body.hits.hits[0]._source).sort()
    }
    expect([await source(lean), await source(full)]).toEqual([['n'], ['n', 'nearhash']])
    const [a, b] = [await lean.search({ vector: queries[0]!, fields: true }), await full.search({ vector: queries[0]!, fields: true })]
    expect(a.ids).toEqual(b.ids)
    expect(a.documents).toEqual(b.documents)
    expect((await lean.explain(a.ids[0]!, { vector: queries[0]! })).words).toEqual((await full.explain(a.ids[0]!, { vector: queries[0]! })).words)
    for (const refused of [() => lean.updateFields('p1', { n: 2 }), () => lean.updateVector('p1', rows[2]!)]) {
      expect((await rejection(refused)).received).toBe('storage "lean"')
    }
    await lean.store({ id: 'p1', vector: rows[2]!, fields: { n: 2 } }, { refresh: true })
    expect((await lean.search({ vector: rows[2]!, k: 2 })).ids).toEqual(['p1', 'p2'])
    const { progress } = await lean.reencode(freshIndex({ name: lean.name, model, storage: 'lean' }))
    expect(progress.indexed).toBe(1000)
    expect((await lean.search({ vector: rows[2]!, k: 2 })).ids).toEqual(['p1', 'p2'])
  })
})

describe('a document', () => {
  it('is replaced, changed in part, and deleted', async () => {
    const index = freshIndex({ model })
    await index.create({ replicas: 0, mappings })
    await index.store({ id: 'a', vector: rows[0]!, fields: { caption: 'a dog', n: 1 } }, { refresh: true })
    await index.updateFields('a', { caption: 'a cat' }, { refresh: 'wait_for' })
    const found = await index.search({ vector: rows[0]!, must: { match: { caption: 'cat' } }, fields: true })
    expect(found.documents).toEqual([{ caption: 'a cat', n: 1 }])
    expect(found.distances[0]).toBe(0)
    await index.updateVector('a', rows[1]!, { refresh: true })
    expect((await index.search({ vector: rows[1]!, k: 1, fields: true })).toJSON()).toMatchObject({ ids: ['a'], distances: [0] })
    expect((await index.explain('a', { vector: rows[1]! })).words).toHaveLength(16)
    expect((await index.get('a'))!.vectors).toEqual({ vector: Float32Array.from(rows[1]!) })
    expect(await index.get('b')).toBeUndefined()
    expect((await rejection(() => index.updateFields('b', { n: 1 }))).code).toBe('ERR_NEARHASH_ENGINE_DOCUMENT_MISSING')
    expect(await index.delete('a', { refresh: true })).toBe(true)
    expect(await index.delete('a')).toBe(false)
    expect((await index.search({ vector: rows[1]! })).ids).toEqual([])
  })

  it('is not changed when someone else was faster', async () => {
    const index = freshIndex({ model })
    await index.create({ replicas: 0, mappings })
    await index.store({ id: 'a', vector: rows[0]!, fields: { n: 1 } })
    const { version } = (await index.get('a'))!
    await index.updateFields('a', { n: 2 }, { ifVersion: version })
    for (const late of [() => index.updateFields('a', { n: 3 }, { ifVersion: version }), () => index.delete('a', { ifVersion: version })]) {
      expect(await rejection(late)).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_VERSION_CONFLICT', status: 409 })
    }
    expect((await index.get('a'))!.fields).toEqual({ n: 2 })
  })

  // The archive of Elasticsearch for tests comes without this module.
  it.skipIf(flavour === 'elasticsearch')('goes by a query', async () => {
    const index = freshIndex({ model })
    await index.create({ replicas: 0, mappings })
    await index.bulkIngest(documentsOf(rows.slice(0, 100), (n) => ({ n })))
    expect(await index.deleteByQuery({ range: { n: { lt: 30 } } })).toBe(30)
    expect(await index.count()).toBe(70)
  })

  it('is never written to an index that nobody made', async () => {
    const index = freshIndex({ model })
    expect((await rejection(() => index.store({ id: 'a', vector: rows[0]! }))).code).toBe('ERR_NEARHASH_ENGINE_INDEX_MISSING')
    await index.create({ replicas: 0 })
    await index.store({ id: 'a', vector: rows[0]! })
    await request('DELETE', `/${await index.open()}`)
    const error = await rejection(() => index.store({ id: 'b', vector: rows[0]! }))
    expect(error.code).toBe('ERR_NEARHASH_ENGINE_INDEX_MISSING')
  })
})

describe('ingestion into a real server', () => {
  it('through a faulty network keeps every document once', async () => {
    const proxy = await FaultyProxy.start(url, { share: 0.5, seed: 3 })
    try {
      const index = freshIndex({ model })
      await index.create({ shards: 3, replicas: 0 })
      const faulty = new SearchEngineIndex({ transport: connect({ nodes: proxy.url }), name: index.name, model })
      const many = Array.from({ length: 5000 }, (_, i) => rows[i % rows.length]!)
      const progress = await faulty.bulkIngest(documentsOf(many), { batchDocuments: 100, concurrency: 3, loadMode: true, retries: { attempts: 50, firstPause: 1, longestPause: 20 } })
      expect(progress.indexed).toBe(5000)
      expect([...proxy.made.keys()].sort()).toEqual(['429', '503', 'cut after', 'cut before', 'slow'])
      expect(await index.count()).toBe(5000)
    } finally {
      await proxy.stop()
    }
  })

  it('by a process that is killed and started again loses and doubles nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nearhash-ingest-'))
    const proxy = await FaultyProxy.start(url, { share: 0.2, seed: 5 })
    try {
      const index = freshIndex({ model: new LshTokens(new SRP({ dim: 4, nProjections: 8, nHashTables: 4, seed: 1 })) })
      await index.create({ shards: 2, replicas: 0, settings: { refresh_interval: '7s' } })
      const checkpoint = join(folder, 'checkpoint')
      const program = fileURLToPath(new URL('../programs/ingest.mjs', import.meta.url))
      const count = 20_000
      let [kills, done] = [0, false]
      for (let run = 0; run < 20 && !done; run++) {
        const child = spawn(process.execPath, [program, proxy.url, index.name, checkpoint, String(count)], { stdio: ['ignore', 'inherit', 'inherit'] })
        const killer = run < 3 ? setInterval(() => place(checkpoint) > (run + 1) * 4000 && child.kill('SIGKILL'), 5) : undefined
        const signal = await new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))
        clearInterval(killer)
        if (signal === 'SIGKILL') kills++
        else done = true
      }
      expect(kills).toBe(3)
      expect(place(checkpoint)).toBe(count)
      expect(await index.count()).toBe(count)
      const physical = await index.open()
      expect((await request('GET', `/${physical}/_settings`)).body[physical].settings.index.refresh_interval).toBe('7s')
      const stats = (await request('GET', `/${physical}/_stats/docs`)).body._all.primaries.docs
      expect(stats.count).toBe(count)
      const { body } = await request('POST', `/${physical}/_search`, { size: 0, track_total_hits: true, aggs: { ids: { cardinality: { field: 'nearhash.id', precision_threshold: 40_000 } } } })
      expect(Math.abs(body.aggregations.ids.value - count)).toBeLessThan(count * 0.01)
    } finally {
      await proxy.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('goes through the clients of both packages', async () => {
    const clients = [new OpenSearchClient({ node: url }), ...(flavour === 'elasticsearch' ? [new ElasticsearchClient({ node: url })] : [])]
    for (const client of clients) {
      const index = freshIndex({ model })
      const by = new SearchEngineIndex({ transport: fromClient(client), name: index.name, model })
      await by.create({ replicas: 0, mappings })
      expect(await by.bulkIngest(documentsOf(rows, (n) => ({ caption: `photo ${n}`, n })))).toMatchObject({ indexed: 1000 })
      const options = { vector: queries[0]!, fields: true as const, hybrid: { query: { match: { caption: 'photo' } } } }
      expect((await by.search(options)).toJSON()).toMatchObject({ ids: (await index.search(options)).ids })
      expect((await rejection(() => by.search({ vector: queries[0]!, filter: { mach: {} } }))).code).toBe('ERR_NEARHASH_ENGINE_REQUEST')
    }
  })

  it('can not use Elasticsearch\'s client for OpenSearch, which says so', async () => {
    if (flavour !== 'opensearch') return
    const index = new SearchEngineIndex({ transport: fromClient(new ElasticsearchClient({ node: url })), name: freshName(), model, retries: { attempts: 0 } })
    expect(await rejection(() => index.create())).toMatchObject({
      code: 'ERR_NEARHASH_ENGINE_CONNECTION',
      received: expect.stringContaining('ProductNotSupportedError') as string,
    })
  })
})

function place(checkpoint: string): number {
  try {
    return Number(readFileSync(checkpoint, 'utf8'))
  } catch {
    return 0
  }
}
