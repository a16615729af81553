import { createServer, request as forward, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { uniform } from '../support/random.js'

/** What a bad network and a busy server do. */
export type Fault =
  /** The server turns the request away. */
  | '429'
  | '503'
  /** The connection is cut before the request has reached the server. */
  | 'cut before'
  /** The server has done it, and the connection is cut before the answer. */
  | 'cut after'
  /** The answer comes late. */
  | 'slow'

const FAULTS: readonly Fault[] = ['429', '503', 'cut before', 'cut after', 'slow']

/** A proxy before a server that spoils a share of the requests, the same ones in the same order for a seed. */
export class FaultyProxy {
  /** How often each fault was made. */
  readonly made = new Map<Fault, number>()
  readonly #server: Server

  private constructor(target: string, share: number, seed: number, spoils: (path: string) => boolean) {
    const random = uniform(seed)
    this.#server = createServer((incoming, outgoing) => {
      const spoil = spoils(incoming.url ?? '') && random() < share
      const fault = spoil ? FAULTS[Math.floor(random() * FAULTS.length)] : undefined
      if (fault !== undefined) this.made.set(fault, (this.made.get(fault) ?? 0) + 1)
      if (fault === 'cut before') return void incoming.socket.destroy()
      if (fault === '429' || fault === '503') {
        incoming.resume()
        incoming.on('end', () => {
          outgoing.writeHead(Number(fault), { 'content-type': 'application/json' })
          outgoing.end(JSON.stringify({ error: { type: 'rejected_execution_exception', reason: 'queue is full' }, status: Number(fault) }))
        })
        return
      }
      const onward = forward(new URL(incoming.url ?? '/', target), { method: incoming.method, headers: incoming.headers }, (answer) => {
        if (fault === 'cut after') {
          answer.resume().on('end', () => incoming.socket.destroy())
          return
        }
        const send = (): void => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(outgoing)
        }
        if (fault === 'slow') setTimeout(send, 150)
        else send()
      })
      onward.on('error', () => incoming.socket.destroy())
      incoming.pipe(onward)
    })
  }

  /**
   * @param share Of the requests, from 0 to 1.
   * @param spoils Which paths may be spoilt; default: bulk requests.
   */
  static async start(target: string, { share = 0.4, seed = 1, spoils = (path: string) => path.includes('/_bulk') } = {}): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target, share, seed, spoils)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
