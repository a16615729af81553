// Which releases of which search engines tests and benchmarks run against.

import { StepError } from './command.mjs'

/** @typedef {'opensearch' | 'elasticsearch'} Flavour */

/**
 * One release.
 *
 * @typedef {object} Release
 * @property {Flavour} flavour
 * @property {string} version
 * @property {string} name for people, and for files
 * @property {import('./java.mjs').JavaNeeds} java what it runs on
 * @property {'runner' | 'archive' | 'server jar'} form how Maven Central has it: the server and its modules as jars with
 *   a runner; an archive made for integration tests; the server alone, which ElasticsearchNode.java starts
 */

/** Up to Java 23: both start the security manager or ask for it, which later Java has not. */
const WITH_SECURITY_MANAGER = { from: 17, to: 23 }

/**
 * The last but one and the newest major version of each; the first of a flavour is the default. Elasticsearch's archive
 * ends with 8.x, and from 8.14 on lacks a native library that it needs.
 *
 * @type {readonly Release[]}
 */
export const RELEASES = [
  release('opensearch', '2.19.1', 'runner', WITH_SECURITY_MANAGER),
  release('opensearch', '3.8.0', 'runner', { from: 21, compiler: true }),
  release('elasticsearch', '8.13.4', 'archive', WITH_SECURITY_MANAGER),
  release('elasticsearch', '9.5.3', 'server jar', { from: 21, compiler: true }),
]

/**
 * The release that is asked for.
 *
 * @param {string} flavour
 * @param {string} [version] or its beginning, for instance `'3'`; default: the first of that flavour
 * @returns {Release}
 * @throws {StepError} there is none
 */
export function findRelease(flavour, version = '') {
  const flavours = [...new Set(RELEASES.map((release) => release.flavour))]
  const own = RELEASES.filter((release) => release.flavour === flavour)
  if (own.length === 0) throw new StepError(`engine: received ${flavour}, allowed: ${flavours.join(' or ')}`)
  const found = own.find((release) => `${release.version}.`.startsWith(version === '' ? '' : `${version.replace(/\.$/, '')}.`))
  if (found === undefined) {
    throw new StepError(`version of ${flavour}: received ${version}, allowed: ${own.map((release) => release.version).join(' or ')}`)
  }
  return found
}

/**
 * @param {Flavour} flavour
 * @param {string} version
 * @param {Release['form']} form
 * @param {Release['java']} java
 * @returns {Release}
 */
function release(flavour, version, form, java) {
  return { flavour, version, name: `${flavour} ${version}`, java, form }
}
