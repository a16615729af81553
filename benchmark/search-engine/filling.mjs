import { performance } from 'node:perf_hooks'
import { SearchEngineIndex } from 'nearhash/search-engine'
import { rowsBetween } from './rows.mjs'
import { settle } from './server.mjs'

/** @typedef {import('nearhash').ClusterTokens} ClusterTokens */
/** @typedef {import('../datasets/collection.mjs').Matrix} Matrix */
/** @typedef {import('./server.mjs').Server} Server */

let made = 0

/** A name that no other index of this run has. */
export function freshName() {
  return `benchmark-${++made}`
}

/**
 * @param {Server} server
 * @param {Matrix} base
 * @param {ClusterTokens} model
 * @param {'float32' | 'int16' | 'uint8'} vectorType
 * @param {{ signal: AbortSignal, onProgress: (stage: string) => void, lean?: boolean }} options
 */
export async function fill(server, base, model, vectorType, { signal, onProgress, lean = false }) {
  const [rows] = base.shape
  onProgress('encoding')
  const encoding = performance.now()
  // In slices, as ingestion does; a million rows of words at once would be half a gigabyte.
  for (let at = 0; at < rows; at += 10_000) await model.encode(rowsBetween(base, at, Math.min(rows, at + 10_000)), { signal })
  const encodePerSecond = rows / ((performance.now() - encoding) / 1000)

  const models = { tokens: model, vectorType }
  const name = freshName()
  onProgress('ingestion without a server')
  const common = { name, model: models, storage: /** @type {'lean' | 'full'} */ (lean ? 'lean' : 'full') }
  const sink = new SearchEngineIndex({ transport: swallowing(server.transport), ...common })
  const index = new SearchEngineIndex({ transport: server.transport, ...common })
  await index.create({ shards: 1, replicas: 0 })
  const alone = performance.now()
  const some = Math.min(rows, 50_000)
  await sink.bulkIngest(documents(base, some), { refresh: false, signal })
  const clientPerSecond = some / ((performance.now() - alone) / 1000)

  onProgress('ingestion')
  const start = performance.now()
  const before = await server.cpuMilliseconds()
  await index.bulkIngest(documents(base, rows), { loadMode: true, batchDocuments: 5000, signal })
  const seconds = (performance.now() - start) / 1000
  const serverCpuSeconds = (await server.cpuMilliseconds() - before) / 1000
  const storeBytes = await settle(server, name, lean)
  return {
    index,
    storeBytes,
    ingest: { encodePerSecond, clientPerSecond, documentsPerSecond: rows / seconds, seconds, serverCpuSeconds },
  }
}

/**
 * A transport whose bulk requests are answered at once by nobody.
 *
 * @param {import('nearhash/search-engine').EngineTransport} transport
 * @returns {import('nearhash/search-engine').EngineTransport}
 */
function swallowing(transport) {
  return {
    async request(request) {
      if (request.ndjson === undefined) return transport.request(request)
      // Every second line is a document.
      let lines = 0
      for (let at = request.ndjson.indexOf('\n'); at !== -1; at = request.ndjson.indexOf('\n', at + 1)) lines++
      const items = new Array(lines / 2).fill({ index: { status: 201 } })
      return { status: 200, headers: {}, body: { errors: false, items } }
    },
  }
}

/**
 * @param {Matrix} base
 * @param {number} count
 */
function* documents(base, count) {
  const { data, shape: [, dim] } = base
  // Plain Uint16Array rows are read as they are; nothing is copied here.
  for (let i = 0; i < count; i++) {
    yield { id: String(i), vector: /** @type {import('nearhash').NumericArray} */ (data.subarray(i * dim, (i + 1) * dim)) }
  }
}

/** @param {Server} server @param {SearchEngineIndex} index */
export async function remove(server, index) {
  await server.ask('DELETE', `/${await index.open()}`)
}
