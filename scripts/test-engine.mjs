// npm run test:engine [-- opensearch elasticsearch-9 nodes] [-- --only <file>]: the tests that need real search engines,
// against every release or those named. "nodes" alone of them starts clusters of three; "servers" one node each.

import { parseArgs } from 'node:util'
import { runScript, StepError } from './command.mjs'
import { RELEASES } from './engine-releases.mjs'
import { allPassed, describeFindings, testEngines } from './engine-tests.mjs'

const KINDS = ['servers', 'nodes']

await runScript(async () => {
  const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true })
  const kinds = positionals.filter((word) => KINDS.includes(word))
  const names = positionals.filter((word) => !KINDS.includes(word))
  /** @param {string} name */
  const named = (name) => RELEASES.filter(({ flavour, version }) => `${flavour}-${version}.`.startsWith(`${name}.`) || flavour === name)
  const unknown = names.find((name) => named(name).length === 0)
  if (unknown !== undefined) {
    const known = [...KINDS, ...RELEASES.flatMap(({ flavour, version }) => [`${flavour}-${version}`])]
    throw new StepError(`there is no part "${unknown}"; there are ${known.join(', ')}, and their beginnings such as elasticsearch-9`)
  }
  const releases = names.length === 0 ? RELEASES : RELEASES.filter((release) => names.some((name) => named(name).includes(release)))
  const servers = kinds.length === 0 || kinds.includes('servers')
  const nodes = kinds.includes('nodes') || (kinds.length === 0 && values.only === undefined)
  const findings = await testEngines({ releases, servers, ...(nodes ? {} : { clusters: [] }), ...(values.only === undefined ? {} : { only: values.only }) })
  process.stdout.write(`\n${findings.map((finding) => `  ${describeFindings([finding])}\n`).join('')}\n`)
  return allPassed(findings) ? 0 : 1
})
