// THIRD_PARTY_LICENSES.md: the crates that are compiled into the binaries, and the licence texts that go with them.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT, run, StepError } from './command.mjs'

/** Where the list is committed; each platform package carries it. */
export const LICENCE_LIST = 'THIRD_PARTY_LICENSES.md'

/**
 * A crate inside a binary, as `cargo metadata` describes it.
 *
 * @typedef {object} Crate
 * @property {string} name
 * @property {string} version
 * @property {string | null} license SPDX expression
 * @property {string} manifest_path
 * @property {string | null} source null: it lies in this repository
 */

/** Licences that ask for nothing but their text, best first, and words that only this text has. */
const ACCEPTED = /** @type {Record<string, { file: RegExp, words: string }>} */ ({
  MIT: { file: /MIT/i, words: 'Permission is hereby granted, free of charge' },
  'BSD-2-Clause': { file: /BSD/i, words: 'Redistribution and use in source and binary forms' },
  ISC: { file: /ISC/i, words: 'Permission to use, copy, modify, and' },
  Zlib: { file: /ZLIB/i, words: 'This software is provided \'as-is\'' },
  'Unicode-3.0': { file: /UNICODE/i, words: 'UNICODE LICENSE V3' },
  'Apache-2.0': { file: /APACHE/i, words: 'Apache License' },
})

const MIT_TERMS = `Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`

/** Crates whose packages hold the text of another licence than the best that they offer. */
const TAKEN_UNDER = /** @type {Record<string, string>} */ ({ wide: 'Zlib' })

/** MIT crates whose packages hold no text: the copyright line of their repository. */
const COPYRIGHTS = /** @type {Record<string, string>} */ ({
  napi: 'Copyright (c) 2020-present LongYinan',
  'napi-sys': 'Copyright (c) 2020-present LongYinan',
})

/**
 * The list as it should be. Needs Cargo.lock, and the network when a crate has never been downloaded.
 *
 * @param {string} [root] folder of the repository
 * @returns {Promise<string>}
 * @throws {StepError} when a crate has a licence or a text that is not known
 */
export async function licenceList(root = ROOT) {
  const { targets } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).napi
  /** @type {Map<string, Crate>} */
  const crates = new Map()
  for (const target of /** @type {string[]} */ (targets)) {
    const args = ['metadata', '--format-version', '1', '--locked', '--quiet', '--filter-platform', target]
    const { ok, output, stdout } = await run('cargo', args, { cwd: root })
    if (!ok) throw new StepError(`cargo metadata failed:\n${output}`)
    for (const crate of cratesInside(JSON.parse(stdout), 'nearhash-node')) {
      crates.set(`${crate.name} ${crate.version}`, crate)
    }
  }
  return describe([...crates.values()])
}

/**
 * Crates that end up in the binary of `root`: its normal dependencies and theirs, not what only builds or tests it, and
 * not procedural macros, which run in the compiler.
 *
 * @param {any} metadata what `cargo metadata` answers
 * @param {string} root name of a workspace member
 * @returns {Crate[]} without crates of this repository
 */
export function cratesInside(metadata, root) {
  const packages = new Map(metadata.packages.map((/** @type {any} */ one) => [one.id, one]))
  const nodes = new Map(metadata.resolve.nodes.map((/** @type {any} */ one) => [one.id, one]))
  const waiting = [...packages.values()].filter(({ name, source }) => name === root && source === null).map(({ id }) => id)
  const seen = new Set()
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      const isNormal = dep_kinds.some((/** @type {any} */ { kind }) => kind === null)
      const isMacro = packages.get(pkg).targets.some((/** @type {any} */ target) => target.kind.includes('proc-macro'))
      if (isNormal && !isMacro) waiting.push(pkg)
    }
  }
  return [...seen].map((id) => packages.get(id)).filter(({ source }) => source !== null)
}

/**
 * The licences to take a crate under: of each choice the best that is accepted.
 *
 * @param {string | null} expression SPDX; "/" is an old way to write OR
 * @returns {string[] | undefined} undefined when none is accepted, or the expression is more than ANDs of ORs
 */
export function chooseLicences(expression) {
  if (expression === null) return undefined
  const chosen = []
  for (const part of expression.split(' AND ')) {
    const choices = part.replace(/^\((.*)\)$/, '$1').split(/ OR |\/| \/ /).map((choice) => choice.trim())
    const best = Object.keys(ACCEPTED).find((licence) => choices.includes(licence))
    // Without parentheses AND binds tighter than OR: such an expression is left to a person.
    const isMixed = expression.includes(' AND ') && / OR |\//.test(part) && !/^\(.*\)$/.test(part)
    if (best === undefined || isMixed) return undefined
    chosen.push(best)
  }
  return chosen
}

/** @param {Crate[]} crates */
function describe(crates) {
  const sorted = crates.toSorted((a, b) => (a.name === b.name ? (a.version < b.version ? -1 : 1) : a.name < b.name ? -1 : 1))
  /** @type {Map<string, string[]>} text to crates */
  const texts = new Map([[`Copyright (c) The Rust Project Contributors\n\n${MIT_TERMS}`, ['the Rust standard library']]])
  const rows = ['| the Rust standard library | MIT OR Apache-2.0 | MIT |']
  for (const crate of sorted) {
    const title = `${crate.name} ${crate.version}`
    const taken = TAKEN_UNDER[crate.name]
    const licences = chooseLicences(taken !== undefined && crate.license?.split(' OR ').includes(taken) ? taken : crate.license)
    if (licences === undefined) {
      throw new StepError(`${title} has the licence "${crate.license}", which is not accepted; see scripts/release-licences.mjs`)
    }
    rows.push(`| ${title} | ${crate.license} | ${licences.join(' and ')} |`)
    for (const licence of licences) {
      const text = textOf(crate, licence)
      texts.set(text, [...(texts.get(text) ?? []), title])
    }
  }
  const sections = [...texts].map(([text, names]) => `## ${names.join(', ')}\n\n\`\`\`text\n${text}\n\`\`\`\n`)
  return `# Licences of what is inside the binaries

Generated from Cargo.lock by "npm run build". Beside nearhash itself, the add-ons hold code of these crates, on one
platform or another:

| crate | its licence | taken under |
| --- | --- | --- |
${rows.join('\n')}

${sections.join('\n')}`
}

/**
 * @param {Crate} crate
 * @param {string} licence
 */
function textOf({ name, version, manifest_path }, licence) {
  const folder = dirname(manifest_path)
  const { file: pattern, words } = /** @type {{ file: RegExp, words: string }} */ (ACCEPTED[licence])
  const files = readdirSync(folder)
    .filter((file) => /^(un)?licen[cs]e|^copying/i.test(file))
    .sort((a, b) => Number(pattern.test(b)) - Number(pattern.test(a)) || (a < b ? -1 : 1))
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8').replace(/\r\n/g, '\n')
    if (text.includes(words)) return text.replace(/[ \t]+$/gm, '').trim()
  }
  const copyright = COPYRIGHTS[name]
  if (licence === 'MIT' && copyright !== undefined) return `${copyright}\n\n${MIT_TERMS}`
  throw new StepError(`${name} ${version} has no text of its licence ${licence}; see scripts/release-licences.mjs`)
}
