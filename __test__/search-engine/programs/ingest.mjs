// Ingest documents and remember the checkpoint in a file: node ingest.mjs <url> <name> <checkpoint file> <count>.
// It is meant to be killed and started again.

import { connect, SearchEngineIndex } from 'nearhash/search-engine'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { LshTokens, SRP } from 'nearhash'

const [url, name, checkpoint, count] = /** @type {[string, string, string, string]} */ (process.argv.slice(2))

function* documents() {
  for (let i = 0; i < Number(count); i++) yield { id: `p${i}`, vector: [(i % 100) + 1, i % 7, i % 13, 1] }
}

let resumeFrom = 0
try {
  resumeFrom = Number(readFileSync(checkpoint, 'utf8'))
} catch {
  // The first time there is none.
}

const model = new LshTokens(new SRP({ dim: 4, nProjections: 8, nHashTables: 4, seed: 1 }))
const index = new SearchEngineIndex({ transport: connect({ nodes: url }), name, model })
await index.bulkIngest(documents(), {
  resumeFrom,
  loadMode: true,
  batchDocuments: 200,
  concurrency: 3,
  retries: { attempts: 50, firstPause: 1, longestPause: 20 },
  onCheckpoint(place) {
    writeFileSync(`${checkpoint}.new`, String(place))
    renameSync(`${checkpoint}.new`, checkpoint)
  },
})
