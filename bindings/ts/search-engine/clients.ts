import { argumentError, show } from '../errors.js'
import { present } from '../options.js'
import { isObject, SearchEngineError } from './engine-error.js'
import type { EngineReply, EngineRequest, EngineTransport } from './transport.js'

/** What is used of a client of the package `@opensearch-project/opensearch` or `@elastic/elasticsearch`. */
export interface ClientLike {
  transport: {
    // The two packages and their versions differ in everything but this.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    request(params: any, options?: any): PromiseLike<unknown>
  }
}

/**
 * The transport of a client that the program has already, with its nodes, credentials, certificates and retries.
 *
 * A client of `@opensearch-project/opensearch` talks to OpenSearch and to Elasticsearch; one of
 * `@elastic/elasticsearch` to Elasticsearch of its own major version only.
 *
 * @throws NearhashError ERR_NEARHASH_ARGUMENT when this is no such client.
 */
export function fromClient(client: ClientLike): EngineTransport {
  if (typeof client?.transport?.request !== 'function') {
    throw argumentError('client', show(client), 'a client with transport.request')
  }
  return { request: (request) => requestByClient(client, request) }
}

async function requestByClient(client: ClientLike, request: EngineRequest): Promise<EngineReply> {
  const { method, path, query, body, ndjson, signal } = request
  signal?.throwIfAborted()
  const params = {
    method,
    path,
    ...present({ querystring: query, body, bulkBody: ndjson }),
  }
  // `meta` asks the one for what the other gives anyway.
  const options = { meta: true, headers: { 'accept-encoding': 'identity' }, ...present({ signal }) }
  const running = client.transport.request(params, options) as PromiseLike<unknown> & { abort?: () => void }
  // Returns nothing: an event's listener that returned the request would be waited for, and its rejection thrown.
  const abort = (): void => {
    running.abort?.()
  }
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return replyOf(await running)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    const reply = replyOfError(error)
    if (reply !== undefined) return reply
    // The error itself holds the connection with its credentials: only its words are taken along.
    throw new SearchEngineError({
      code: 'ERR_NEARHASH_ENGINE_CONNECTION',
      operation: `${method} ${path}`,
      received: error instanceof Error ? `${error.name} ${error.message}` : 'no answer',
      allowed: 'a node that answers',
    })
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

function replyOf(result: unknown): EngineReply {
  const { statusCode, headers, body } = result as { statusCode?: number; headers?: Record<string, string>; body?: unknown }
  return { status: statusCode ?? 200, headers: headers ?? {}, body: body === '' ? undefined : body }
}

/** A ResponseError of either package. */
function replyOfError(error: unknown): EngineReply | undefined {
  if (!(error instanceof Error)) return undefined
  const { meta } = error as { meta?: unknown }
  // 0 or null: there was no answer.
  if (!isObject(meta) || !meta['statusCode']) return undefined
  // A client that refuses the server's kind has got an answer too, and must not pass for one.
  if (error.name === 'ProductNotSupportedError') return undefined
  return replyOf(meta)
}
