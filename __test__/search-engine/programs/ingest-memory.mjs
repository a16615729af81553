// node --expose-gc ingest-memory.mjs: ingest many documents that nobody keeps, and print how much memory stays, in MB,
// after a tenth of them and at the end.

import { LshTokens, SRP } from 'nearhash'
import { SearchEngineIndex } from 'nearhash/search-engine'

const COUNT = 150_000
const model = new LshTokens(new SRP({ dim: 64, nProjections: 8, nHashTables: 4 }))

/** A server that keeps nothing. */
const transport = {
  /** @param {import('nearhash/search-engine').EngineRequest} request */
  async request({ method, path, ndjson, body }) {
    if (ndjson !== undefined) {
      const items = new Array(ndjson.split('\n').length >> 1).fill({ index: { status: 201 } })
      return { status: 200, headers: {}, body: { errors: false, items } }
    }
    if (path === '/') return { status: 200, headers: {}, body: { version: { number: '2.19.1', distribution: 'opensearch' } } }
    if (method === 'PUT') mappings = /** @type {any} */ (body).mappings
    if (path.endsWith('/_mapping')) return { status: 200, headers: {}, body: { index: { mappings } } }
    return { status: path.startsWith('/_alias') ? 404 : 200, headers: {}, body: {} }
  },
}
let mappings = {}

function memory() {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1e6
}

/** @type {number[]} */
const stays = []

async function* documents() {
  for (let i = 0; i < COUNT; i++) {
    if (i === COUNT / 10 || i === COUNT - 1) stays.push(memory())
    yield { id: String(i), vector: Float32Array.from({ length: 64 }, (_, j) => Math.sin(i * 64 + j)) }
  }
}

const index = new SearchEngineIndex({ transport, name: 'photos', model })
await index.create()
await index.bulkIngest(documents())
process.stdout.write(JSON.stringify(stays))
