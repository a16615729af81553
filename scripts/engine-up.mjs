// npm run engine:up [-- --engine elasticsearch] [--version 9] [--nodes 3] [--heap 512m]: start a search engine for tests
// by hand; it runs until npm run engine:down. Prints one URL a node.

import { parseArgs } from 'node:util'
import { runScript, say, StepError } from './command.mjs'
import { EngineCluster } from './engine-cluster.mjs'
import { whatIsMissing } from './engine-files.mjs'
import { findRelease } from './engine-releases.mjs'

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      engine: { type: 'string', default: 'opensearch' },
      version: { type: 'string' },
      nodes: { type: 'string', default: '1' },
      heap: { type: 'string', default: '512m' },
    },
  })
  const release = findRelease(values.engine, values.version)
  const nodes = Number(values.nodes)
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 9) {
    throw new StepError(`--nodes: received ${values.nodes}, allowed: an integer from 1 to 9`)
  }
  const missing = await whatIsMissing(release)
  if (missing !== undefined) throw new StepError(`${release.name} cannot run here: it needs ${missing}`)
  const start = performance.now()
  const cluster = await EngineCluster.start({ release, nodes, heap: values.heap, keep: true })
  say(`${release.name} is green after ${((performance.now() - start) / 1000).toFixed(1)} s`)
  for (const { url } of cluster.nodes) process.stdout.write(`${url}\n`)
})
