// npm run engine:up [-- --engine elasticsearch] [--nodes 3] [--heap 512m]: start a search engine for tests by hand; it
// runs until npm run engine:down. Prints one URL a node.

import { parseArgs } from 'node:util'
import { runScript, say, StepError } from './command.mjs'
import { EngineCluster } from './engine-cluster.mjs'
import { VERSIONS, whatIsMissing } from './engine-files.mjs'

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      engine: { type: 'string', default: 'opensearch' },
      nodes: { type: 'string', default: '1' },
      heap: { type: 'string', default: '512m' },
    },
  })
  const flavour = values.engine
  if (flavour !== 'opensearch' && flavour !== 'elasticsearch') {
    throw new StepError(`--engine: received ${flavour}, allowed: ${Object.keys(VERSIONS).join(' or ')}`)
  }
  const nodes = Number(values.nodes)
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 9) {
    throw new StepError(`--nodes: received ${values.nodes}, allowed: an integer from 1 to 9`)
  }
  const missing = await whatIsMissing()
  if (missing !== undefined) throw new StepError(`a search engine cannot run here: it needs ${missing}`)
  const start = performance.now()
  const cluster = await EngineCluster.start({ flavour, nodes, heap: values.heap, keep: true })
  say(`${flavour} ${VERSIONS[flavour]} is green after ${((performance.now() - start) / 1000).toFixed(1)} s`)
  for (const { url } of cluster.nodes) process.stdout.write(`${url}\n`)
})
