import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request that came in. */
export interface Received {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
}

/** An answer: a status and JSON, or text. */
export interface Answer {
  status: number
  body: unknown
  headers?: Record<string, string>
}

/** What is kept of an index. */
export interface FakeIndex {
  mappings: Record<string, unknown>
  settings: Record<string, unknown>
  aliases: Set<string>
  documents: Map<string, unknown>
}

/**
 * As much of a search engine as ingestion needs, in this process: indices, aliases, settings, bulk requests. It can be
 * told to answer otherwise.
 */
export class FakeEngine {
  readonly indices = new Map<string, FakeIndex>()
  readonly received: Received[] = []
  /** How often each document was written. */
  readonly writes = new Map<string, number>()
  /** Headers of every answer. */
  headers: Record<string, string> = {}
  /** Asked first; an answer of its own goes out instead. */
  intercept: ((request: Received) => Answer | undefined | Promise<Answer | undefined>) | undefined
  /** Asked for each document of a bulk request; an error of its own refuses it. */
  refuse: ((id: string) => { status: number; error: unknown } | undefined) | undefined
  #server: Server

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        const url = new URL(incoming.url ?? '/', 'http://fake')
        const request: Received = {
          method: incoming.method ?? '',
          path: decodeURIComponent(url.pathname),
          query: url.searchParams,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString(),
        }
        this.received.push(request)
        void this.#answer(request).then(({ status, body, headers }) => {
          outgoing.writeHead(status, { 'content-type': 'application/json', ...this.headers, ...headers })
          outgoing.end(typeof body === 'string' ? body : JSON.stringify(body))
        })
      })
    })
  }

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine()
    await new Promise<void>((resolve) => engine.#server.listen(0, '127.0.0.1', resolve))
    return engine
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** The one index there is. */
  get only(): FakeIndex {
    const [index] = this.indices.values()
    if (index === undefined || this.indices.size !== 1) throw new Error(`${this.indices.size} indices`)
    return index
  }

  async #answer(request: Received): Promise<Answer> {
    const told = await this.intercept?.(request)
    if (told !== undefined) return told
    const { method, path, body } = request
    const [first = '', second = ''] = path.slice(1).split('/')
    const json = (): Record<string, never> => (body === '' ? {} : (JSON.parse(body) as Record<string, never>))
    if (path === '/') return ok({ version: { number: '2.19.1', distribution: 'opensearch' } })
    if (first === '_alias') {
      const found = [...this.indices].filter(([, { aliases }]) => aliases.has(second))
      return found.length === 0 ? missing(second) : ok(Object.fromEntries(found.map(([name]) => [name, {}])))
    }
    if (method === 'GET' && first.endsWith('*') && second === '') {
      const found = [...this.indices].filter(([name]) => name.startsWith(first.slice(0, -1)))
      return ok(Object.fromEntries(found.map(([name, { mappings, aliases }]) => [name, { mappings, aliases: Object.fromEntries([...aliases].map((a) => [a, {}])) }])))
    }
    if (method === 'PUT' && second === '') {
      const { mappings = {}, settings = {}, aliases = {} } = json()
      this.indices.set(first, { mappings, settings: (settings as Record<string, Record<string, unknown>>)['index'] ?? {}, aliases: new Set(Object.keys(aliases)), documents: new Map() })
      return ok({ acknowledged: true })
    }
    const found = [...this.indices].find(([name, { aliases }]) => name === first || aliases.has(first))
    if (found === undefined) return missing(first)
    const [name, index] = found
    switch (second) {
      case '_mapping':
        if (method === 'PUT') Object.assign(index.mappings, json())
        return ok({ [name]: { mappings: index.mappings } })
      case '_settings':
        if (method === 'PUT') {
          for (const [key, value] of Object.entries(json()['index'] ?? {})) {
            if (value === null) delete index.settings[key]
            else index.settings[key] = value
          }
        }
        return ok({ [name]: { settings: { index: Object.fromEntries(Object.entries(index.settings).map(([key, value]) => [key, String(value)])) } } })
      case '_refresh':
        return ok({ _shards: { failed: 0 } })
      case '_count':
        return ok({ count: index.documents.size })
      case '_bulk':
        return this.#bulk(index, body)
      default:
        return { status: 400, body: { error: { type: 'illegal_argument_exception', reason: `the fake has no ${path}` } } }
    }
  }

  #bulk(index: FakeIndex, body: string): Answer {
    if (!body.endsWith('\n')) return { status: 400, body: { error: { type: 'illegal_argument_exception', reason: 'must be terminated by a newline' } } }
    const lines = body.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, never>)
    const items: unknown[] = []
    for (let i = 0; i < lines.length; i += 2) {
      const [[action, { _id: id }]] = Object.entries(lines[i]!) as unknown as [[string, { _id: string }]]
      const refusal = this.refuse?.(id)
      if (refusal !== undefined) {
        items.push({ [action]: { _id: id, ...refusal } })
      } else if (action === 'create' && index.documents.has(id)) {
        items.push({ [action]: { _id: id, status: 409, error: { type: 'version_conflict_engine_exception', reason: 'document already exists' } } })
      } else {
        items.push({ [action]: { _id: id, status: index.documents.has(id) ? 200 : 201 } })
        index.documents.set(id, lines[i + 1])
        this.writes.set(id, (this.writes.get(id) ?? 0) + 1)
      }
    }
    return ok({ took: 1, errors: this.refuse !== undefined, items })
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body }
}

function missing(index: string): Answer {
  return { status: 404, body: { error: { type: 'index_not_found_exception', reason: `no such index [${index}]` }, status: 404 } }
}
