// The tests that need real search engines: each release that can run here is started, tested and stopped, one after the
// other.

import { say, StepError } from './command.mjs'
import { EngineCluster } from './engine-cluster.mjs'
import { engineFiles, RepositoryUnreachable, whatIsMissing } from './engine-files.mjs'
import { RELEASES } from './engine-releases.mjs'
import { runVitest } from './vitest.mjs'

/**
 * @typedef {import('./engine-releases.mjs').Release} Release
 * @typedef {import('./vitest.mjs').TestCounts} TestCounts
 */

/**
 * What one part has found: a release, or clusters of three nodes of it.
 *
 * @typedef {object} PartFinding
 * @property {string} name
 * @property {TestCounts} [counts]
 * @property {string} [missing] why it was not run
 */

/**
 * @typedef {object} EngineTestOptions
 * @property {readonly Release[]} [releases] default: all
 * @property {boolean} [servers] tests against one node of each; default: true
 * @property {readonly Release[]} [clusters] releases to start clusters of three nodes of; default: all of `releases`
 * @property {string} [only] beginning of the name of the only file to run
 * @property {(release: Release) => boolean} [briefly] leave out the longest file, on documents' and indices' lives;
 *   default: never
 */

const SERVERS = '__test__/search-engine/servers'
const NODES = '__test__/search-engine/nodes'
const LONGEST = `${SERVERS}/life-cycle.test.ts`

/** With this variable set, tests that cannot run are a failure. */
const REQUIRED = 'NEARHASH_REQUIRE_ENGINES'

/**
 * @param {EngineTestOptions} [options]
 * @returns {Promise<PartFinding[]>}
 * @throws {StepError} a release did not start; something is missing that NEARHASH_REQUIRE_ENGINES asks for
 */
export async function testEngines({ releases = RELEASES, servers = true, clusters = releases, only, briefly = () => false } = {}) {
  /** @type {PartFinding[]} */
  const findings = []
  for (const release of releases) {
    const missing = await whatKeepsItFromRunning(release)
    if (missing !== undefined) {
      if (process.env[REQUIRED]) throw new StepError(`the tests against ${release.name} cannot run (${REQUIRED} is set): ${missing}`)
      say(`SKIPPED: NONE OF THE TESTS AGAINST ${release.name.toUpperCase()} WERE RUN: ${missing}`)
      findings.push({ name: release.name, missing })
      continue
    }
    if (servers) findings.push({ name: release.name, counts: await testServer(release, only, briefly(release)) })
    if (clusters.includes(release)) {
      say(`tests of three nodes of ${release.name}`)
      findings.push({ name: `${release.name}, three nodes`, counts: await vitest([NODES], release) })
    }
  }
  return findings
}

/**
 * One line of all findings.
 *
 * @param {readonly PartFinding[]} findings
 */
export function describeFindings(findings) {
  return findings
    .map(({ name, counts, missing }) => {
      if (counts === undefined) return `${name} NOT RUN (${missing?.split(':')[0]})`
      const { passed, failed, skipped } = counts
      return `${name} ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
    })
    .join('; ')
}

/** @param {readonly PartFinding[]} findings */
export function allPassed(findings) {
  return findings.every(({ counts }) => counts === undefined || counts.ok)
}

/**
 * Fetches the release, too: without a repository it cannot be.
 *
 * @param {Release} release
 * @returns {Promise<string | undefined>}
 */
async function whatKeepsItFromRunning(release) {
  const missing = await whatIsMissing(release)
  if (missing !== undefined) return `it needs ${missing}`
  try {
    await engineFiles(release)
  } catch (error) {
    if (error instanceof RepositoryUnreachable) return error.message
    throw error
  }
  return undefined
}

/**
 * @param {Release} release
 * @param {string | undefined} only
 * @param {boolean} brief
 */
async function testServer(release, only, brief) {
  const cluster = await EngineCluster.start({ release })
  say(`tests against ${release.name}`)
  try {
    const files = only === undefined ? SERVERS : `${SERVERS}/${only}`
    const args = [files, ...(brief ? [`--exclude=${LONGEST}`] : [])]
    return await vitest(args, release, { NEARHASH_ENGINE_URL: cluster.url })
  } finally {
    await cluster.stop()
  }
}

/**
 * @param {readonly string[]} args
 * @param {Release} release
 * @param {Record<string, string>} [env]
 */
function vitest(args, { flavour, version }, env = {}) {
  const own = { NEARHASH_ENGINE: flavour, NEARHASH_ENGINE_VERSION: version, ...env }
  return runVitest(['--config', 'vitest.engine.config.ts', ...args], own)
}
