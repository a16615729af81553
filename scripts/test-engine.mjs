// npm run test:engine [-- opensearch elasticsearch nodes] [-- --only <file or name>]: the tests that need real search
// engines, one engine at a time. "nodes" starts clusters of three itself.

import { parseArgs } from 'node:util'
import { runPackage, runScript, say, StepError } from './command.mjs'
import { EngineCluster } from './engine-cluster.mjs'
import { VERSIONS, whatIsMissing } from './engine-files.mjs'

const PARTS = /** @type {const} */ (['opensearch', 'elasticsearch', 'nodes'])

await runScript(async () => {
  const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true })
  const unknown = positionals.find((part) => !PARTS.some((known) => known === part))
  if (unknown !== undefined) throw new StepError(`there is no part "${unknown}"; there are ${PARTS.join(', ')}`)
  const missing = await whatIsMissing()
  if (missing !== undefined) {
    if (process.env['CI']) throw new StepError(`the tests of search engines need ${missing}`)
    say(`SKIPPED: NONE OF THE TESTS OF SEARCH ENGINES WERE RUN. They need ${missing}.`)
    return 0
  }
  let failed = 0
  for (const part of PARTS) {
    if (positionals.length > 0 && !positionals.includes(part)) continue
    if (part === 'nodes') {
      failed += await vitest('__test__/search-engine/nodes', {}, values.only)
      continue
    }
    const cluster = await EngineCluster.start({ flavour: part })
    say(`tests against ${part} ${VERSIONS[part]}`)
    try {
      const env = { NEARHASH_ENGINE: part, NEARHASH_ENGINE_URL: cluster.url }
      failed += await vitest('__test__/search-engine/servers', env, values.only)
    } finally {
      await cluster.stop()
    }
  }
  return failed
})

/**
 * @param {string} folder
 * @param {Record<string, string>} env
 * @param {string | undefined} only
 */
async function vitest(folder, env, only) {
  const files = only === undefined ? folder : `${folder}/${only}`
  const { ok } = await runPackage('vitest/vitest.mjs', ['run', '--config', 'vitest.engine.config.ts', files], { output: 'inherit', env })
  return ok ? 0 : 1
}
