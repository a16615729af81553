import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'nearhash/search-engine'
import { EngineCluster } from '../../scripts/engine-cluster.mjs'
import { whatIsMissing } from '../../scripts/engine-files.mjs'
import { UsageError } from '../command-line.mjs'

/**
 * A search engine under measurement.
 *
 * @typedef {object} Server
 * @property {string} name with its version
 * @property {'opensearch' | 'elasticsearch'} flavour
 * @property {import('nearhash/search-engine').EngineTransport} transport
 * @property {() => Promise<number>} cpuMilliseconds that the server has used so far, of all its threads
 * @property {(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, query?: Record<string, string | number>) => Promise<any>} ask
 * @property {() => Promise<void>} stop
 */

/**
 * As in production: with Java's optimising compiler, which the tests do without.
 *
 * @param {import('../../scripts/engine-releases.mjs').Release} release
 * @param {string} heap as Java writes it
 * @returns {Promise<Server>}
 */
export async function startServer(release, heap) {
  const missing = await whatIsMissing(release)
  if (missing !== undefined) throw new UsageError(`${release.name} needs ${missing}`)
  const cluster = await EngineCluster.start({ release, heap, fast: true, knn: release.flavour === 'opensearch' })
  const transport = connect({ nodes: cluster.url, timeout: 600_000 })
  /** @type {Server['ask']} */
  const ask = async (method, path, body, query = {}) => {
    const { status, body: answer } = await transport.request({ method, path, query, ...(body === undefined ? {} : { body }) })
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`)
    return answer
  }
  return {
    name: release.name,
    flavour: release.flavour,
    transport,
    ask,
    async cpuMilliseconds() {
      // The server reads its own figure once a second.
      await sleep(1100)
      const { nodes } = await ask('GET', '/_nodes/stats/process')
      return Object.values(nodes).reduce((sum, node) => sum + node.process.cpu.total_in_millis, 0)
    },
    stop: () => cluster.stop(),
  }
}

/**
 * Bytes on disk of an index, after everything was written there. One segment, so that runs compare.
 *
 * @param {Server} server
 * @param {string} index
 * @param {boolean} [lean] wait until the server may drop the sources that it keeps for copies of the index; default: false
 */
export async function settle(server, index, lean = false) {
  await server.ask('POST', `/${index}/_flush`)
  if (lean) {
    await sleep(35_000)
    await server.ask('POST', `/${index}/_flush`, undefined, { force: 'true' })
  }
  await server.ask('POST', `/${index}/_forcemerge`, undefined, { max_num_segments: 1 })
  // Searches hold the merged segments open until they see the new one.
  for (const step of ['_refresh', '_flush']) await server.ask('POST', `/${index}/${step}`)
  const stats = await server.ask('GET', `/${index}/_stats/store`)
  return /** @type {number} */ (stats._all.primaries.store.size_in_bytes)
}
