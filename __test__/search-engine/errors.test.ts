import { NearhashError } from 'nearhash'
import { connect, SearchEngineError, SearchEngineIndex } from 'nearhash/search-engine'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rejection } from '../support/errors.js'
import { FakeEngine, type Answer } from './fake-engine.js'
import { pocketModel } from './pocket-model.js'

let engine: FakeEngine

beforeEach(async () => {
  engine = await FakeEngine.start()
})

afterEach(() => engine.stop())

const vector = [1, 2, 3, 4]
const retries = { attempts: 2, firstPause: 1, longestPause: 2 }

async function photos(): Promise<SearchEngineIndex> {
  const index = new SearchEngineIndex({ transport: connect({ nodes: engine.url }), name: 'photos', model: pocketModel(), retries })
  await index.create()
  return index
}

function searchAnswers(answer: Answer): void {
  engine.intercept = ({ path }) => (path.endsWith('/_search') ? answer : undefined)
}

/** As both servers answer when shards refuse a query. */
function failedShards(status: number, type: string, reason: string, outer = 'all shards failed'): Answer {
  return {
    status,
    body: {
      error: {
        type: 'search_phase_execution_exception',
        reason: outer,
        root_cause: [{ type, reason }],
        failed_shards: [{ shard: 0, reason: { type: 'query_shard_exception', reason: 'failed', caused_by: { type, reason } } }],
      },
      status,
    },
  }
}

describe('what a server answers', () => {
  it.each<[string, Answer, string]>([
    ['no such index', { status: 404, body: { error: { type: 'index_not_found_exception', reason: 'no such index [photos]' } } }, 'INDEX_MISSING'],
    ['too many clauses, deep inside', failedShards(400, 'too_many_clauses', 'maxClauseCount is set to 1024'), 'TOO_MANY_CLAUSES'],
    ['the same of Elasticsearch 8', failedShards(400, 'too_many_nested_clauses', 'Query contains too many nested clauses'), 'TOO_MANY_CLAUSES'],
    ['a payload that is too large', { status: 413, body: 'Request Entity Too Large' }, 'PAYLOAD_TOO_LARGE'],
    ['a full queue', { status: 429, body: { error: { type: 'es_rejected_execution_exception', reason: 'queue is full' } } }, 'REJECTED'],
    ['a circuit breaker', { status: 429, body: { error: { type: 'circuit_breaking_exception', reason: 'Data too large' } } }, 'CIRCUIT_BROKEN'],
    ['no credentials', { status: 401, body: { error: { type: 'security_exception', reason: 'missing authentication credentials' } } }, 'UNAUTHORIZED'],
    ['a gateway\'s words', { status: 403, body: '<html>Forbidden</html>' }, 'UNAUTHORIZED'],
    ['a gateway\'s silence', { status: 502, body: '' }, 'UNAVAILABLE'],
    ['lost shards', failedShards(503, 'no_shard_available_action_exception', 'no shard'), 'PARTIAL_RESULT'],
    ['lost shards of a server that dislikes that', { status: 500, body: { error: { type: 'search_phase_execution_exception', reason: 'Partial shards failure', failed_shards: [] } } }, 'PARTIAL_RESULT'],
    ['a wrong query', failedShards(400, 'parsing_exception', 'unknown query [mach]'), 'REQUEST'],
    ['nothing known', { status: 418, body: { a: 1 } }, 'REQUEST'],
  ])('%s', async (_, answer, code) => {
    const index = await photos()
    searchAnswers(answer)
    const error = await rejection(() => index.search({ vector }))
    expect(error).toBeInstanceOf(SearchEngineError)
    expect(error).toBeInstanceOf(NearhashError)
    expect(error).toMatchObject({ code: `ERR_NEARHASH_ENGINE_${code}`, status: answer.status })
    const reasons = [...JSON.stringify(answer.body).matchAll(/"reason":"(.+?)"/g)].map(([, reason]) => reason)
    if (reasons.length > 0) expect(reasons.some((reason) => error.received.includes(reason!))).toBe(true)
  })

  it('is an error when shards are missing from an answer of 200', async () => {
    const index = await photos()
    const hits = { hits: [] }
    searchAnswers({ status: 200, body: { timed_out: false, _shards: { total: 3, failed: 1 }, hits } })
    expect(await rejection(() => index.search({ vector }))).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_PARTIAL_RESULT', received: 'results without 1 of 3 shards' })
    expect((await index.search({ vector, partial: true })).partial).toBe(true)
    searchAnswers({ status: 200, body: { timed_out: true, _shards: { total: 3, failed: 0 }, hits } })
    expect((await rejection(() => index.search({ vector }))).code).toBe('ERR_NEARHASH_ENGINE_PARTIAL_RESULT')
    searchAnswers({ status: 200, body: { timed_out: false, _shards: { total: 3, failed: 0 }, hits } })
    expect((await index.search({ vector })).partial).toBe(false)
  })

  it('asks the server not to leave shards out', async () => {
    const index = await photos()
    searchAnswers({ status: 200, body: { hits: { hits: [] } } })
    await index.search({ vector })
    const asked = engine.received.find(({ path }) => path.endsWith('/_search'))!
    expect(asked.query.get('allow_partial_search_results')).toBe('false')
    expect(asked.headers['accept-encoding']).toBe('identity')
  })

  it('is asked again while it is busy, and not when it will not change its mind', async () => {
    const index = await photos()
    let turns = 0
    engine.intercept = ({ path }) => {
      if (!path.endsWith('/_search')) return undefined
      return ++turns < 3 ? { status: 503, body: {} } : { status: 200, body: { hits: { hits: [] } } }
    }
    await index.search({ vector })
    expect(turns).toBe(3)
    engine.received.length = 0
    searchAnswers({ status: 400, body: { error: { type: 'parsing_exception', reason: 'no' } } })
    await rejection(() => index.search({ vector }))
    expect(engine.received.filter(({ path }) => path.endsWith('/_search'))).toHaveLength(1)
  })
})

describe('a model', () => {
  it('that the index was not made for is refused, also after the name has come to stand for another index', async () => {
    const index = await photos()
    searchAnswers({ status: 200, body: { hits: { hits: [] } } })
    await index.search({ vector })
    const other = new SearchEngineIndex({ transport: connect({ nodes: engine.url }), name: 'photos', model: pocketModel({ name: 'b' }), retries })
    const error = await rejection(() => other.search({ vector }))
    expect(error.code).toBe('ERR_NEARHASH_ENGINE_MODEL_MISMATCH')
    const [first] = engine.indices.values()
    const second = await other.create({ makeCurrent: false })
    first!.aliases.clear()
    engine.indices.get(second)!.aliases.add('photos')
    expect((await rejection(() => index.search({ vector }))).code).toBe('ERR_NEARHASH_ENGINE_MODEL_MISMATCH')
    await other.search({ vector })
  })

  it('needs an index that was made by nearhash, with its fields as they were made', async () => {
    const index = await photos()
    const { mappings } = engine.only
    const words = (mappings as any).properties.nearhash.properties.vector.properties.words
    words.similarity = 'BM25'
    expect(await rejection(() => index.open())).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_MAPPING' })
    words.similarity = 'boolean'
    await index.open()
    mappings['_meta'] = {}
    expect(await rejection(() => index.open())).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_MAPPING', received: 'no _meta.nearhash' })
    engine.indices.clear()
    expect(await rejection(() => index.open())).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_INDEX_MISSING' })
  })
})

describe('secrets', () => {
  const password = 'tres-secret-word'
  const auths = [{ username: 'me', password }, { apiKey: 'c2VjcmV0LWtleQ' }, { bearer: 'eyJ.secret.token' }]

  it.each(auths)('of %o are in no error, also when the server repeats them', async (auth) => {
    engine.intercept = ({ headers }) => ({ status: 401, body: { error: { type: 'security_exception', reason: `refused ${headers.authorization} of me:${password}` } } })
    const index = new SearchEngineIndex({ transport: connect({ nodes: engine.url, auth, headers: { 'x-tenant': 'a' } }), name: 'photos', model: pocketModel() })
    const error = await rejection(() => index.open())
    expect(error).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_UNAUTHORIZED', status: 401, serverType: 'security_exception' })
    const sent = engine.received.at(-1)!.headers.authorization!
    const secret = sent.split(' ')[1]!
    for (const text of [inspect(error, { depth: 10 }), error.stack!, JSON.stringify(error)]) {
      expect(text).not.toContain(secret)
      if ('password' in auth) expect(text).not.toContain(password)
    }
    expect(inspect(connect({ nodes: engine.url, auth }), { depth: 10, showHidden: true })).not.toContain(secret)
  })

  it('in an address are sent as credentials and shown nowhere', async () => {
    const url = engine.url.replace('http://', `http://me:${password}@`)
    engine.intercept = () => ({ status: 401, body: {} })
    const index = new SearchEngineIndex({ transport: connect({ nodes: url }), name: 'photos', model: pocketModel() })
    const refused = await rejection(() => index.open())
    expect(engine.received[0]!.headers.authorization).toBe(`Basic ${Buffer.from(`me:${password}`).toString('base64')}`)
    await engine.stop()
    const unreachable = await rejection(() => new SearchEngineIndex({ transport: connect({ nodes: url }), name: 'photos', model: pocketModel(), retries: { attempts: 0 } }).open())
    expect(unreachable.code).toBe('ERR_NEARHASH_ENGINE_CONNECTION')
    expect(unreachable.received).toContain('ECONNREFUSED')
    for (const error of [refused, unreachable]) expect(inspect(error, { depth: 10 })).not.toContain(password)
    engine = await FakeEngine.start()
  })
})
