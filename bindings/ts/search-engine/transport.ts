import { argumentError, show } from '../errors.js'
import { checkOptions } from '../options.js'
import { SearchEngineError } from './engine-error.js'
import { exchangeByFetch, exchangeByHttps, type Exchange, type TlsOptions } from './exchange.js'

/** One request to a search engine. */
export interface EngineRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  /** Path from the node's root, escaped, for instance `/photos/_search`. */
  path: string
  /** Parameters of the path. */
  query?: Readonly<Record<string, string | number | boolean>>
  /** Sent as JSON. */
  body?: unknown
  /** Sent as it is: lines of JSON, the last one ended too. */
  ndjson?: string
  /** Gives the request up; the promise rejects with its reason. */
  signal?: AbortSignal
}

/** An answer of any status. */
export interface EngineReply {
  status: number
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  /** Parsed JSON; text when it was none; undefined when there was no body. */
  body: unknown
}

/**
 * The way to a search engine. Resolves with an answer of any status, rejects when there was none: with a
 * {@link SearchEngineError} `ERR_NEARHASH_ENGINE_CONNECTION`, or the reason of the signal.
 */
export interface EngineTransport {
  request(request: EngineRequest): Promise<EngineReply>
}

/** How to say who is asking. */
export type Authentication = { username: string; password: string } | { apiKey: string } | { bearer: string }

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** Addresses, for instance `'https://search.example:9200'`. They take turns; one that cannot be reached is passed by. */
  nodes: string | readonly string[]
  auth?: Authentication
  /** Further headers, or what makes them for a request (for signatures that depend on it). */
  headers?:
    | Readonly<Record<string, string>>
    | ((request: { method: string; url: string; body: string | undefined }) =>
        | Readonly<Record<string, string>>
        | Promise<Readonly<Record<string, string>>>)
  /** Milliseconds that one request may take; default 30,000, 0: any. */
  timeout?: number
  /** Certificates of the server's authority and of this client. Requests then go by node:https. */
  tls?: TlsOptions
  /** In the place of the built-in fetch. */
  fetch?: typeof globalThis.fetch
}

const CONNECT_OPTIONS = ['nodes', 'auth', 'headers', 'timeout', 'tls', 'fetch'] as const

/**
 * A transport without a client library: the built-in fetch, or node:https where `tls` is given.
 *
 * @throws NearhashError ERR_NEARHASH_ARGUMENT.
 */
export function connect(options: ConnectOptions): EngineTransport {
  const { nodes, auth, headers, timeout = 30_000, tls, fetch } = checkOptions('options', options, CONNECT_OPTIONS)
  if (typeof timeout !== 'number' || !(timeout >= 0)) throw argumentError('timeout', show(timeout), 'milliseconds from 0')
  if (tls !== undefined && fetch !== undefined) throw argumentError('fetch', 'a function beside tls', 'one of the two')
  const addresses = (Array.isArray(nodes) ? nodes : [nodes]).map(readAddress)
  if (addresses.length === 0) throw argumentError('nodes', 'an empty array', 'at least one address')
  const exchange = tls === undefined ? exchangeByFetch(fetch ?? globalThis.fetch) : exchangeByHttps(tls)
  return new NodesTransport(addresses, auth, headers, timeout, exchange)
}

interface Address {
  url: URL
  authorization: string | undefined
}

/** An address may name a user; that goes into a header and out of every message. */
function readAddress(node: unknown): Address {
  const allowed = 'an http or https URL'
  let url: URL
  try {
    url = new URL(node as string)
  } catch {
    throw argumentError('nodes', typeof node === 'string' ? 'text that is no URL' : show(node), allowed)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw argumentError('nodes', `a URL with ${url.protocol}`, allowed)
  const [username, password] = [url.username, url.password].map(decodeURIComponent)
  url.username = ''
  url.password = ''
  return { url, authorization: username ? basic(username, password ?? '') : undefined }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function authorizationOf(auth: Authentication | undefined): string | undefined {
  if (auth === undefined) return undefined
  if ('apiKey' in auth && typeof auth.apiKey === 'string') return `ApiKey ${auth.apiKey}`
  if ('bearer' in auth && typeof auth.bearer === 'string') return `Bearer ${auth.bearer}`
  if ('username' in auth && typeof auth.username === 'string' && typeof auth.password === 'string') {
    return basic(auth.username, auth.password)
  }
  throw argumentError('auth', 'something else', '{ username, password }, { apiKey } or { bearer }')
}

class NodesTransport implements EngineTransport {
  readonly #addresses: readonly Address[]
  readonly #authorization: string | undefined
  readonly #headers: ConnectOptions['headers']
  readonly #timeout: number
  readonly #exchange: Exchange
  readonly #secrets: readonly string[]
  #turn = 0

  constructor(
    addresses: readonly Address[],
    auth: Authentication | undefined,
    headers: ConnectOptions['headers'],
    timeout: number,
    exchange: Exchange,
  ) {
    this.#addresses = addresses
    this.#authorization = authorizationOf(auth)
    this.#headers = headers
    this.#timeout = timeout
    this.#exchange = exchange
    const secrets = [this.#authorization, ...addresses.map(({ authorization }) => authorization)]
    this.#secrets = [
      ...secrets.flatMap((secret) => (secret === undefined ? [] : secret.split(' ').slice(1))),
      ...(auth !== undefined && 'password' in auth ? [auth.password] : []),
    ].filter((secret) => secret.length >= 4)
  }

  async request({ method, path, query, body, ndjson, signal }: EngineRequest): Promise<EngineReply> {
    const text = ndjson ?? (body === undefined ? undefined : JSON.stringify(body))
    let failure: unknown
    const first = this.#turn++
    for (let i = 0; i < this.#addresses.length; i++) {
      const address = this.#addresses[(first + i) % this.#addresses.length]!
      const url = withPath(address.url, path, query)
      const headers: Record<string, string> = {
        accept: 'application/json',
        // The server would compress, which takes both sides longer than the bytes that it saves.
        'accept-encoding': 'identity',
        ...(text === undefined ? {} : { 'content-type': ndjson === undefined ? 'application/json' : 'application/x-ndjson' }),
      }
      const authorization = this.#authorization ?? address.authorization
      if (authorization !== undefined) headers['authorization'] = authorization
      const more = typeof this.#headers === 'function' ? await this.#headers({ method, url, body: text }) : this.#headers
      Object.assign(headers, more)
      const timeout = this.#timeout === 0 ? undefined : AbortSignal.timeout(this.#timeout)
      const signals = [signal, timeout].filter((one) => one !== undefined)
      try {
        signal?.throwIfAborted()
        const reply = await this.#exchange({ method, url, headers, body: text, signal: AbortSignal.any(signals) })
        // Other servers behind the address may repeat what they were sent.
        const plain = reply.status < 400 ? reply.text : this.#redact(reply.text)
        return { status: reply.status, headers: reply.headers, body: parse(plain) }
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        failure = timeout?.aborted ? `no answer from ${address.url.host} in ${this.#timeout} ms` : reasonOf(error, address.url)
      }
    }
    throw new SearchEngineError({
      code: 'ERR_NEARHASH_ENGINE_CONNECTION',
      operation: `${method} ${path}`,
      received: this.#redact(String(failure)),
      allowed: 'a node that answers',
    })
  }

  #redact(text: string): string {
    return this.#secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text)
  }
}

function withPath(address: URL, path: string, query: EngineRequest['query']): string {
  const url = new URL(address)
  url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`
  for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, String(value))
  return url.href
}

/** Fetch says "fetch failed" and hides why in the cause. */
function reasonOf(error: unknown, { host }: URL): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = isCoded(cause) ? cause.code : undefined
  const message = cause instanceof Error ? cause.message : String(cause)
  return `${host}: ${code !== undefined && !message.includes(code) ? `${code} ` : ''}${message}`
}

function isCoded(error: unknown): error is { code: string } {
  return typeof error === 'object' && error !== null && typeof (error as { code?: unknown }).code === 'string'
}

/** @internal */
export function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
