// npm run engine:down: stop every search engine that npm run engine:up has started, also what a killed test run has
// left, and remove their files. The fetched releases stay for the next time.

import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runScript, say } from './command.mjs'
import { clusterIn } from './engine-cluster.mjs'
import { ENGINE_FOLDER } from './engine-files.mjs'

await runScript(async () => {
  const names = existsSync(ENGINE_FOLDER) ? readdirSync(ENGINE_FOLDER) : []
  let stopped = 0
  for (const name of names.filter((name) => name.startsWith('cluster-'))) {
    const folder = join(ENGINE_FOLDER, name)
    const cluster = await clusterIn(folder)
    stopped += cluster?.nodes.length ?? 0
    await cluster?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  say(stopped === 0 ? 'no search engine was running' : `${stopped} ${stopped === 1 ? 'node' : 'nodes'} stopped`)
})
