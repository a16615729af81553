import { SearchEngineError, fromServer, isObject } from './engine-error.js'
import { ask, type RetryOptions } from './retries.js'
import type { EngineTransport } from './transport.js'

/** Which search engine answers. */
export interface EngineServer {
  flavour: 'opensearch' | 'elasticsearch'
  /** For instance `'2.19.1'`. */
  version: string
  /** First number of the version. */
  major: number
}

/** Major versions whose common subset is used. */
const KNOWN = { opensearch: [2, 3], elasticsearch: [8, 9] }

/**
 * @internal Ask the server what it is. Its root does not answer everywhere: managed services may block it, and
 * Elasticsearch has it in a module.
 *
 * @throws SearchEngineError ERR_NEARHASH_ENGINE_REQUEST for a server that is not known.
 */
export async function recognise(transport: EngineTransport, retries: Required<RetryOptions>): Promise<EngineServer> {
  const root = await ask(transport, 'recognise the server', { method: 'GET', path: '/' }, retries, [400, 403, 404, 405])
  const version = isObject(root.body) && isObject(root.body['version']) ? root.body['version'] : undefined
  if (typeof version?.['number'] === 'string') {
    return checked(version['distribution'] === 'opensearch' ? 'opensearch' : 'elasticsearch', version['number'])
  }
  if (root.status === 403) throw fromServer('recognise the server', root.status, root.body)
  const request = { method: 'GET', path: '/_nodes/_local', query: { filter_path: 'nodes.*.version' } } as const
  const { body } = await ask(transport, 'recognise the server', request, retries)
  const nodes = isObject(body) && isObject(body['nodes']) ? Object.values(body['nodes']) : []
  const found = nodes.map((node) => (isObject(node) ? node['version'] : undefined)).find((text) => typeof text === 'string')
  return checked('x-elastic-product' in root.headers ? 'elasticsearch' : 'opensearch', found ?? '')
}

function checked(flavour: EngineServer['flavour'], version: string): EngineServer {
  const major = Number.parseInt(version, 10)
  if (!KNOWN[flavour].includes(major)) {
    throw new SearchEngineError({
      code: 'ERR_NEARHASH_ENGINE_REQUEST',
      operation: 'recognise the server',
      received: `${flavour} ${version}`,
      allowed: 'OpenSearch 2 or 3, Elasticsearch 8 or 9',
    })
  }
  return { flavour, version, major }
}
