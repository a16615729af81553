import { Client as ElasticsearchClient } from '@elastic/elasticsearch'
import { Client as OpenSearchClient } from '@opensearch-project/opensearch'
import { connect, fromClient, SearchEngineIndex, type EngineTransport } from 'nearhash/search-engine'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusal, rejection } from '../support/errors.js'
import { FakeEngine } from './fake-engine.js'
import { pocketModel } from './pocket-model.js'

let engine: FakeEngine

beforeEach(async () => {
  engine = await FakeEngine.start()
})

afterEach(() => engine.stop())

/** A port that nobody listens to any more. */
async function deadAddress(): Promise<string> {
  const dead = await FakeEngine.start()
  const { url } = dead
  await dead.stop()
  return url
}

const ways: [string, () => EngineTransport][] = [
  ['the built-in fetch', () => connect({ nodes: engine.url })],
  ['a client of @opensearch-project/opensearch', () => fromClient(new OpenSearchClient({ node: engine.url }))],
  ['a client of @elastic/elasticsearch', () => fromClient(new ElasticsearchClient({ node: engine.url }))],
]

describe.each(ways)('by %s', (name, way) => {
  beforeEach(() => {
    // Elasticsearch's client talks to no other product.
    if (name.includes('elastic')) engine.headers = { 'x-elastic-product': 'Elasticsearch' }
  })

  it('an index is made and filled', async () => {
    const index = new SearchEngineIndex({ transport: way(), name: 'photos', model: pocketModel() })
    await index.create()
    const documents = Array.from({ length: 100 }, (_, i) => ({ id: `d"${i}\n`, vector: [i, 0, 0, 0] }))
    expect(await index.bulkIngest(documents, { batchDocuments: 30 })).toMatchObject({ indexed: 100 })
    expect([...engine.only.documents.keys()]).toContain('d"7\n')
  })

  it('an error of the server is told alike', async () => {
    const index = new SearchEngineIndex({ transport: way(), name: 'photos', model: pocketModel() })
    const error = await rejection(() => index.open())
    expect(error).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_INDEX_MISSING', status: 404, serverType: 'index_not_found_exception' })
  })

  it('a signal gives a request up with its reason', async () => {
    engine.intercept = () => new Promise(() => {})
    const index = new SearchEngineIndex({ transport: way(), name: 'photos', model: pocketModel() })
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 20)
    await expect(index.search({ vector: [1, 2, 3, 4], signal: controller.signal })).rejects.toBe(reason)
  })
})

describe('a client', () => {
  it('keeps its credentials to itself when nobody answers', async () => {
    const node = (await deadAddress()).replace('http://', 'http://me:tres-secret@')
    for (const client of [new OpenSearchClient({ node, maxRetries: 0 }), new ElasticsearchClient({ node, maxRetries: 0 })]) {
      const index = new SearchEngineIndex({ transport: fromClient(client), name: 'photos', model: pocketModel(), retries: { attempts: 0 } })
      const error = await rejection(() => index.open())
      expect(error.code).toBe('ERR_NEARHASH_ENGINE_CONNECTION')
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('tres-secret')
    }
  })

  it('is what it is taken for', () => {
    expect(refusal(() => fromClient({} as never)).argument).toBe('client')
  })
})

describe('connect', () => {
  it('passes by nodes that can not be reached and lets the others take turns', async () => {
    const transport = connect({ nodes: [await deadAddress(), engine.url] })
    for (let i = 0; i < 4; i++) expect((await transport.request({ method: 'GET', path: '/' })).status).toBe(200)
  })

  it('gives a request up after its timeout', async () => {
    engine.intercept = () => new Promise(() => {})
    const transport = connect({ nodes: engine.url, timeout: 30 })
    const error = await rejection(() => transport.request({ method: 'GET', path: '/' }))
    expect(error).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_CONNECTION' })
    expect(error.received).toMatch(/no answer from 127\.0\.0\.1:\d+ in 30 ms/)
  })

  it('keeps the path of an address and escapes what is asked', async () => {
    const transport = connect({ nodes: `${engine.url}/behind/a/proxy/` })
    await transport.request({ method: 'GET', path: '/_search', query: { preference: 'a&b=c d' } })
    expect(engine.received[0]).toMatchObject({ path: '/behind/a/proxy/_search' })
    expect(engine.received[0]!.query.get('preference')).toBe('a&b=c d')
  })

  it('lets headers depend on the request, as signatures do', async () => {
    const seen: unknown[] = []
    const transport = connect({ nodes: engine.url, headers: (request) => (seen.push(request), { 'x-signature': 'abc' }) })
    await transport.request({ method: 'POST', path: '/a/_search', body: { size: 1 } })
    expect(engine.received[0]!.headers['x-signature']).toBe('abc')
    expect(seen).toEqual([{ method: 'POST', url: `${engine.url}/a/_search`, body: '{"size":1}' }])
  })

  it('follows no redirection with its credentials', async () => {
    engine.intercept = () => ({ status: 302, body: '', headers: { location: 'http://127.0.0.1:9/' } })
    const transport = connect({ nodes: engine.url, auth: { apiKey: 'abcd' } })
    expect((await rejection(() => transport.request({ method: 'GET', path: '/' }))).code).toBe('ERR_NEARHASH_ENGINE_CONNECTION')
  })

  it('trusts the given authority, and no server without one', async () => {
    const [ca, key] = ['certificate.pem', 'key.pem'].map((name) => readFileSync(new URL(`certificates/${name}`, import.meta.url)))
    const server = createServer({ cert: ca, key, ca, requestCert: true, rejectUnauthorized: true }, (request, reply) => {
      const body: Buffer[] = []
      request.on('data', (chunk: Buffer) => body.push(chunk)).on('end', () => {
        reply.end(JSON.stringify({ method: request.method, body: Buffer.concat(body).toString(), auth: request.headers.authorization }))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const nodes = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const trusting = connect({ nodes, auth: { bearer: 'abcd' }, tls: { ca: ca!, cert: ca!, key: key! } })
      const reply = await trusting.request({ method: 'POST', path: '/x', body: { a: 'ü' } })
      expect(reply).toMatchObject({ status: 200, body: { method: 'POST', body: '{"a":"ü"}', auth: 'Bearer abcd' } })
      for (const stranger of [connect({ nodes }), connect({ nodes, tls: {} }), connect({ nodes, tls: { ca: ca! } })]) {
        const error = await rejection(() => stranger.request({ method: 'GET', path: '/' }))
        expect(error.code).toBe('ERR_NEARHASH_ENGINE_CONNECTION')
      }
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it.each([
    ['nodes', { nodes: 'localhost' }],
    ['nodes', { nodes: 'ftp://a' }],
    ['nodes', { nodes: [] }],
    ['auth', { nodes: 'http://a', auth: { user: 'me' } }],
    ['timeout', { nodes: 'http://a', timeout: -1 }],
    ['fetch', { nodes: 'http://a', fetch: globalThis.fetch, tls: {} }],
    ['options', { nodes: 'http://a', node: 1 }],
  ])('refuses a wrong %s', (argument, options) => {
    expect(refusal(() => connect(options as never))).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT', argument })
  })
})

describe('the server', () => {
  const recognise = () => new SearchEngineIndex({ transport: connect({ nodes: engine.url }), name: 'a', model: pocketModel(), retries: { attempts: 0 } }).server()

  it.each([
    ['opensearch', '2.19.1', { version: { number: '2.19.1', distribution: 'opensearch' } }],
    ['opensearch', '3.1.0', { version: { number: '3.1.0', distribution: 'opensearch' } }],
    ['elasticsearch', '8.13.4', { version: { number: '8.13.4' } }],
    ['elasticsearch', '9.0.1', { version: { number: '9.0.1' } }],
  ])('is recognised as %s %s', async (flavour, version, body) => {
    engine.intercept = () => ({ status: 200, body })
    expect(await recognise()).toEqual({ flavour, version, major: Number(version[0]) })
  })

  it('is recognised where its root does not answer', async () => {
    engine.intercept = ({ path }) =>
      path === '/'
        ? { status: 405, body: { error: 'Incorrect HTTP method' }, headers: { 'x-elastic-product': 'Elasticsearch' } }
        : { status: 200, body: { nodes: { abc: { version: '8.13.4' } } } }
    expect(await recognise()).toEqual({ flavour: 'elasticsearch', version: '8.13.4', major: 8 })
  })

  it.each([{ version: { number: '7.10.2' } }, { version: { number: '1.3.0', distribution: 'opensearch' } }])('is refused as %o', async (body) => {
    engine.intercept = () => ({ status: 200, body })
    expect((await rejection(recognise)).allowed).toContain('OpenSearch 2 or 3')
  })
})
