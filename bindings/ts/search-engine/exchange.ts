import { request as requestByHttp } from 'node:http'
import { Agent, request as requestByHttps } from 'node:https'
import { present } from '../options.js'

/** Certificates, as node:tls takes them. */
export interface TlsOptions {
  /** Certificates of the authorities that are trusted, PEM. */
  ca?: string | Uint8Array
  /** This client's certificate, PEM. */
  cert?: string | Uint8Array
  /** Its private key, PEM. */
  key?: string | Uint8Array
  /** Of the private key. */
  passphrase?: string
  /** Name that the server's certificate has to carry, where it is not the address. */
  servername?: string
  /** false accepts any certificate, which keeps nobody out; default true. */
  rejectUnauthorized?: boolean
}

/** @internal One HTTP request as text. */
export type Exchange = (request: {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
  signal: AbortSignal
}) => Promise<{ status: number; headers: Record<string, string>; text: string }>

/** @internal */
export function exchangeByFetch(fetch: typeof globalThis.fetch): Exchange {
  return async ({ method, url, headers, body, signal }) => {
    const reply = await fetch(url, {
      method,
      headers,
      signal,
      // Credentials are meant for this address.
      redirect: 'error',
      ...present({ body }),
    })
    return { status: reply.status, headers: Object.fromEntries(reply.headers), text: await reply.text() }
  }
}

/** @internal */
export function exchangeByHttps(tls: TlsOptions): Exchange {
  const { ca, cert, key, passphrase, servername, rejectUnauthorized } = tls
  const given = Object.entries({ ca, cert, key, passphrase, servername, rejectUnauthorized })
  const agent = new Agent({
    keepAlive: true,
    ...Object.fromEntries(
      given
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value) : value]),
    ),
  })
  return ({ method, url, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const options = { method, signal, headers: { ...headers, 'content-length': Buffer.byteLength(body ?? '') } }
      const request = url.startsWith('https:') ? requestByHttps(url, { ...options, agent }) : requestByHttp(url, options)
      request.on('error', reject).on('response', (reply) => {
        const chunks: Buffer[] = []
        reply.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
        reply.on('end', () => {
          const entries = Object.entries(reply.headers).map(([name, value]) => [name, String(value)])
          const status = reply.statusCode ?? 0
          resolve({ status, headers: Object.fromEntries(entries), text: Buffer.concat(chunks).toString() })
        })
      })
      request.end(body)
    })
}
