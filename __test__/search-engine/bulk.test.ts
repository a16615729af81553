import { connect, SearchEngineIndex, type DeadLetter, type EngineDocument, type IngestProgress } from 'nearhash/search-engine'
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rejection } from '../support/errors.js'
import { FakeEngine } from './fake-engine.js'
import { FaultyProxy } from './faulty-proxy.js'
import { pocketModel } from './pocket-model.js'

const QUICK = { attempts: 30, firstPause: 1, longestPause: 5 }

let engine: FakeEngine

beforeEach(async () => {
  engine = await FakeEngine.start()
})

afterEach(() => engine.stop())

function document(i: number): EngineDocument {
  return { id: `d${i}`, vector: [i, i % 7, -i, 0], fields: { n: i } }
}

function documents(count: number): EngineDocument[] {
  return Array.from({ length: count }, (_, i) => document(i))
}

async function photos(url = engine.url): Promise<SearchEngineIndex> {
  const index = new SearchEngineIndex({ transport: connect({ nodes: url }), name: 'photos', model: pocketModel(), retries: QUICK })
  if (engine.indices.size === 0) await index.create()
  return index
}

describe('bulk ingestion', () => {
  it('keeps every document with its words, its vector and its own fields', async () => {
    const index = await photos()
    const progress = await index.bulkIngest(documents(2500))
    expect(progress).toMatchObject({ read: 2500, indexed: 2500, refused: 0, retried: 0, checkpoint: 2500 })
    expect(await index.count()).toBe(2500)
    expect(engine.only.documents.get('d9')).toEqual({
      n: 9,
      nearhash: {
        id: 'd9',
        vector: { words: ['0-9', '1-2', '2--9', '3-0'], vector: Buffer.from(Float32Array.of(9, 2, -9, 0).buffer).toString('base64') },
      },
    })
  })

  it('splits batches by count and by bytes', async () => {
    const index = await photos()
    await index.bulkIngest(documents(95), { batchDocuments: 10 })
    const bulks = () => engine.received.filter(({ path }) => path.endsWith('/_bulk'))
    expect(bulks().map(({ body }) => body.split('\n').length >> 1).sort((a, b) => a - b)).toEqual([5, ...Array<number>(9).fill(10)])
    engine.received.length = 0
    await index.bulkIngest(documents(100), { batchBytes: 1000 })
    expect(bulks().length).toBeGreaterThan(10)
    for (const { body } of bulks()) expect(body.length).toBeLessThanOrEqual(1000)
  })

  it('reads no further ahead than its batches', async () => {
    let [pulled, most] = [0, 0]
    engine.intercept = async ({ path }) => {
      if (!path.endsWith('/_bulk')) return undefined
      const before = pulled
      await sleep(20)
      most = Math.max(most, before)
      return undefined
    }
    const index = await photos()
    async function* stream(): AsyncGenerator<EngineDocument> {
      for (let i = 0; i < 200; i++) {
        pulled++
        yield document(i)
        const sent = engine.writes.size
        expect(pulled - sent).toBeLessThanOrEqual(10 * (2 + 2))
        await sleep(0)
      }
    }
    await index.bulkIngest(stream(), { batchDocuments: 10, concurrency: 2 })
    expect(await index.count()).toBe(200)
  })

  it('keeps nothing of what it has sent', async () => {
    const program = fileURLToPath(new URL('programs/ingest-memory.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program])
    const [early, late] = JSON.parse(stdout) as [number, number]
    // The documents in between would be 34 MB of numbers alone.
    expect(late - early).toBeLessThan(15)
  })

  it('has no more requests under way than it may', async () => {
    let [now, most] = [0, 0]
    engine.intercept = async ({ path }) => {
      if (!path.endsWith('/_bulk')) return undefined
      most = Math.max(most, ++now)
      await sleep(5)
      now--
      return undefined
    }
    await (await photos()).bulkIngest(documents(200), { batchDocuments: 10, concurrency: 3 })
    expect(most).toBe(3)
  })

  it('gets every document through a faulty network, each one once', async () => {
    const proxy = await FaultyProxy.start(engine.url, { share: 0.6, seed: 7 })
    try {
      await photos()
      const index = await photos(proxy.url)
      const progress = await index.bulkIngest(documents(3000), { batchDocuments: 50, concurrency: 4, retries: QUICK })
      expect(progress.indexed).toBe(3000)
      expect(progress.retried).toBeGreaterThan(0)
      expect([...engine.only.documents.keys()].sort()).toEqual(documents(3000).map(({ id }) => id).sort())
      expect([...proxy.made.keys()].sort()).toEqual(['429', '503', 'cut after', 'cut before', 'slow'])
    } finally {
      await proxy.stop()
    }
  })

  it('sends only those again that a busy server turned away', async () => {
    const seen = new Set<string>()
    engine.refuse = (id) => {
      if (!id.endsWith('3') || seen.has(id)) return undefined
      seen.add(id)
      return { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'queue is full' } }
    }
    const progress = await (await photos()).bulkIngest(documents(100), { retries: QUICK })
    expect(progress).toMatchObject({ indexed: 100, retried: 10, refused: 0 })
    expect([...engine.writes.values()].every((times) => times === 1)).toBe(true)
  })

  it('resumes at the checkpoint of an ingestion that was killed, and loses and doubles nothing', async () => {
    const index = await photos()
    let checkpoint = 0
    const kill = new AbortController()
    const killed = index.bulkIngest(documents(1000), {
      batchDocuments: 20,
      concurrency: 4,
      operation: 'create',
      signal: kill.signal,
      onCheckpoint: (place) => {
        checkpoint = place
        if (place >= 300) kill.abort(new Error('killed'))
      },
    })
    await expect(killed).rejects.toThrow('killed')
    expect(checkpoint).toBeGreaterThanOrEqual(300)
    for (let i = 0; i < checkpoint; i++) expect(engine.only.documents.has(`d${i}`)).toBe(true)
    const progress = await index.bulkIngest(documents(1000), { resumeFrom: checkpoint, operation: 'create' })
    expect(progress.read).toBe(1000 - checkpoint)
    expect(engine.only.documents.size).toBe(1000)
    expect([...engine.writes.values()].every((times) => times === 1)).toBe(true)
  })

  it('moves the checkpoint only past documents that are all done, though batches end in any order', async () => {
    let first = true
    engine.intercept = async ({ path }) => {
      if (path.endsWith('/_bulk') && first) {
        first = false
        await sleep(50)
      }
      return undefined
    }
    const places: number[] = []
    await (await photos()).bulkIngest(documents(100), { batchDocuments: 10, concurrency: 4, onCheckpoint: (place) => void places.push(place) })
    expect(places[0]).toBeGreaterThan(10)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(places.at(-1)).toBe(100)
  })

  it('hands over what can not be kept and goes on', async () => {
    engine.refuse = (id) => (id === 'd5' ? { status: 400, error: { type: 'mapper_parsing_exception', reason: 'failed to parse field [n]' } } : undefined)
    const broken: EngineDocument[] = [
      ...documents(10),
      { id: 'short', vector: [1, 2] },
      { id: 'nan', vector: [1, 2, 3] as number[] },
      { id: '', vector: [1, 2, 3, 4] },
      { id: 'bad\ud800', vector: [1, 2, 3, 4] },
      { id: 'taken', vector: [1, 2, 3, 4], fields: { nearhash: 1 } },
      { id: 'none' },
      { id: 'bigint', vector: [1, 2, 3, 4], fields: { n: 1n } },
      { id: 'x'.repeat(513), vector: [1, 2, 3, 4] },
      document(10),
    ]
    const letters: DeadLetter[] = []
    const progress = await (await photos()).bulkIngest(broken, { onDeadLetter: (letter) => void letters.push(letter) })
    expect(progress).toMatchObject({ read: 19, indexed: 10, refused: 9, checkpoint: 19 })
    expect(letters.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual([5, 10, 11, 12, 13, 14, 15, 16, 17])
    const { error } = letters.find(({ offset }) => offset === 5)!
    expect(error).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_MAPPING', status: 400, serverType: 'mapper_parsing_exception' })
    expect(error.received).toContain('failed to parse field [n]')
  })

  it('ends at the first document that is refused when nobody takes it', async () => {
    engine.refuse = (id) => (id === 'd5' ? { status: 400, error: { type: 'mapper_parsing_exception', reason: 'failed' } } : undefined)
    const index = await photos()
    const error = await rejection(() => index.bulkIngest(documents(10)))
    expect(error.code).toBe('ERR_NEARHASH_ENGINE_MAPPING')
    expect(error.argument).toContain('d5')
  })

  it('halves a request that is too long, down to the document that is too long by itself', async () => {
    engine.intercept = ({ path, body }) =>
      path.endsWith('/_bulk') && body.length > 900 ? { status: 413, body: 'Request Entity Too Large' } : undefined
    const letters: DeadLetter[] = []
    const long = { ...document(3), fields: { text: 'x'.repeat(2000) } }
    const input = documents(20).map((one) => (one.id === 'd3' ? long : one))
    const progress = await (await photos()).bulkIngest(input, { onDeadLetter: (letter) => void letters.push(letter) })
    expect(progress).toMatchObject({ indexed: 19, refused: 1 })
    expect(letters.map(({ document, error }) => [document.id, error.code])).toEqual([['d3', 'ERR_NEARHASH_ENGINE_PAYLOAD_TOO_LARGE']])
  })

  it('gives up when the server stays busy', async () => {
    engine.intercept = ({ path }) =>
      path.endsWith('/_bulk') ? { status: 429, body: { error: { type: 'rejected_execution_exception', reason: 'queue is full' }, status: 429 } } : undefined
    const index = await photos()
    const error = await rejection(() => index.bulkIngest(documents(10), { retries: { attempts: 3, firstPause: 1, longestPause: 2 } }))
    expect(error).toMatchObject({ code: 'ERR_NEARHASH_ENGINE_REJECTED', status: 429 })
    expect(engine.received.filter(({ path }) => path.endsWith('/_bulk'))).toHaveLength(4)
  })

  it('stops when its signal fires, also while the input is waiting', async () => {
    const index = await photos()
    const { signal } = Object.assign(new AbortController())
    await index.bulkIngest(documents(1), { signal })
    const controller = new AbortController()
    const reason = new Error('enough')
    let returned = false
    const endless: AsyncIterable<EngineDocument> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => setTimeout(() => controller.abort(reason), 10)),
        return: () => {
          returned = true
          return Promise.resolve({ done: true, value: undefined })
        },
      }),
    }
    await expect(index.bulkIngest(endless, { signal: controller.signal })).rejects.toBe(reason)
    expect(returned).toBe(true)
    await expect(index.bulkIngest(documents(1), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('passes on what the input throws', async () => {
    const index = await photos()
    async function* failing(): AsyncGenerator<EngineDocument> {
      yield document(1)
      throw new Error('the disk is gone')
    }
    await expect(index.bulkIngest(failing())).rejects.toThrow('the disk is gone')
  })

  it('tells its progress', async () => {
    const told: IngestProgress[] = []
    await (await photos()).bulkIngest(documents(30), { batchDocuments: 10, onProgress: (progress) => void told.push(progress) })
    expect(told).toHaveLength(3)
    expect(told.at(-1)).toMatchObject({ read: 30, indexed: 30, checkpoint: 30 })
    expect(told.at(-1)!.bytes).toBeGreaterThan(1000)
  })
})

describe('load mode', () => {
  const settings = () => ({ ...engine.only.settings })

  it('turns refreshes and replicas off meanwhile and puts them back', async () => {
    const index = await photos()
    Object.assign(engine.only.settings, { refresh_interval: '5s', number_of_replicas: 2 })
    const during: unknown[] = []
    await index.bulkIngest(documents(20), { loadMode: true, batchDocuments: 10, onProgress: () => void during.push(settings()) })
    expect(during[0]).toMatchObject({ refresh_interval: '-1', number_of_replicas: '0' })
    expect(settings()).toMatchObject({ refresh_interval: '5s', number_of_replicas: '2' })
    expect(JSON.stringify(engine.only.mappings)).not.toContain('setAside')
  })

  it('puts them back after a failure, a default as a default', async () => {
    const index = await photos()
    engine.refuse = () => ({ status: 400, error: { type: 'mapper_parsing_exception', reason: 'failed' } })
    await expect(index.bulkIngest(documents(3), { loadMode: true })).rejects.toThrow('failed')
    expect(settings()).toMatchObject({ number_of_replicas: '1' })
    expect(settings()).not.toHaveProperty('refresh_interval')
  })

  it('puts back what a killed process had found, not what it had left', async () => {
    const index = await photos()
    engine.only.settings['refresh_interval'] = '7s'
    // A process that dies answers nothing any more: its last requests are lost.
    let dead = false
    engine.intercept = ({ path, method }) => {
      if (path.endsWith('/_bulk')) dead = true
      return dead && method === 'PUT' ? { status: 400, body: { error: { type: 'killed' } } } : undefined
    }
    await index.bulkIngest(documents(3), { loadMode: true }).catch(() => {})
    expect(settings()).toMatchObject({ refresh_interval: '-1', number_of_replicas: '0' })
    engine.intercept = undefined
    await index.bulkIngest(documents(3), { loadMode: true })
    expect(settings()).toMatchObject({ refresh_interval: '7s', number_of_replicas: '1' })
  })
})
