// npm run engine:down: stop every search engine that this clone has started (npm run engine:up, or a run that was cut
// off), and remove their files. The fetched releases stay for the next time.

import { runScript, say } from './command.mjs'
import { startedClusters } from './engine-cluster.mjs'

await runScript(async () => {
  let stopped = 0
  for (const cluster of await startedClusters()) {
    stopped += cluster.nodes.length
    await cluster.stop()
  }
  say(stopped === 0 ? 'no search engine was running' : `${stopped} ${stopped === 1 ? 'node' : 'nodes'} stopped`)
})
