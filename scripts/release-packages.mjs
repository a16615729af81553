// What may be published: a folder of tarballs, judged as a whole. A release is all packages or none, because npm can't
// take a version back and publishes one package after the other.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, StepError } from './command.mjs'
import { glibcNeededBy, GLIBC_BASELINE, isNewer } from './elf.mjs'
import { sectionOf } from './release-changelog.mjs'

/**
 * What this repository says about a release.
 *
 * @typedef {object} Expected
 * @property {string} name of the root package
 * @property {string} version
 * @property {readonly Platform[]} platforms
 * @property {string} [tag] git tag that the release is made from
 * @property {string} [repository] URL of the repository, where it is known; provenance needs it in every package
 */

/**
 * A platform and its package.
 *
 * @typedef {object} Platform
 * @property {string} target Rust's name
 * @property {string} name of the package
 * @property {string} binary file name of the add-on
 * @property {string} os as in `process.platform`
 * @property {string} cpu as in `process.arch`
 * @property {'glibc' | 'musl' | undefined} libc
 */

/**
 * A tarball, unpacked.
 *
 * @typedef {object} Unpacked
 * @property {string} file the tarball's name
 * @property {string} folder where its files lie
 * @property {string[]} files sorted paths inside
 * @property {Record<string, any>} manifest
 */

const ARCHITECTURES = /** @type {Record<string, string>} */ ({ x86_64: 'x64', aarch64: 'arm64' })

/** By the end of a target: Node's platform, the C library, and what napi-rs appends to platform and CPU. */
const SYSTEMS = /** @type {Record<string, { os: string, libc?: 'glibc' | 'musl', abi?: string }>} */ ({
  'unknown-linux-gnu': { os: 'linux', libc: 'glibc', abi: 'gnu' },
  'unknown-linux-musl': { os: 'linux', libc: 'musl', abi: 'musl' },
  'apple-darwin': { os: 'darwin' },
  'pc-windows-msvc': { os: 'win32', abi: 'msvc' },
})

/**
 * @param {string} target such as x86_64-unknown-linux-gnu
 * @param {string} prefix package name up to the platform
 * @param {string} binary file name up to the platform
 * @returns {Platform}
 */
export function platformOf(target, prefix, binary) {
  const [, machine = '', rest = ''] = /^([^-]+)-(.+)$/.exec(target) ?? []
  const [cpu, system] = [ARCHITECTURES[machine], SYSTEMS[rest]]
  if (cpu === undefined || system === undefined) throw new StepError(`the target ${target} is not known to releases`)
  const suffix = [system.os, cpu, ...(system.abi === undefined ? [] : [system.abi])].join('-')
  return { target, name: `${prefix}-${suffix}`, binary: `${binary}.${suffix}.node`, os: system.os, cpu, libc: system.libc }
}

/**
 * Read the repository.
 *
 * @param {string} root folder of the repository
 * @param {object} [options]
 * @param {string} [options.tag] the release's tag
 * @param {string} [options.repository] the repository's URL
 * @returns {Expected}
 */
export function expectedOf(root, { tag, repository } = {}) {
  const { name, version, napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const platforms = napi.targets.map((/** @type {string} */ target) => {
    return platformOf(target, napi.packageName ?? name, napi.binaryName)
  })
  return { name, version, platforms, ...(tag && { tag }), ...(repository && { repository }) }
}

/**
 * Complaints about the repository itself: files that disagree about the version.
 *
 * @param {string} root folder of the repository
 * @param {Expected} expected
 * @returns {string[]}
 */
export function repositoryRefusals(root, { name, version, tag }) {
  const refusals = []
  const read = (/** @type {string} */ file) => readFileSync(join(root, file), 'utf8')
  const cargo = /\[workspace\.package\]\n(?:[^[\n].*\n|\n)*?version\s*=\s*"(.+)"/.exec(read('Cargo.toml'))?.[1]
  if (cargo !== version) refusals.push(`Cargo.toml has version ${cargo}, package.json ${version}`)
  const locked = new RegExp(`^name = "${name}"\\nversion = "(.+)"$`, 'm').exec(read('Cargo.lock'))?.[1]
  if (locked !== version) refusals.push(`Cargo.lock has ${name} ${locked}, package.json ${version}`)
  const lock = JSON.parse(read('package-lock.json'))
  for (const [place, found] of [['', lock.version], [' in packages', lock.packages?.['']?.version]]) {
    if (found !== version) refusals.push(`package-lock.json has version ${found}${place}, package.json ${version}`)
  }
  if (tag !== undefined) {
    if (tag !== `v${version}`) refusals.push(`the tag is ${tag}, version ${version} has the tag v${version}`)
    if (sectionOf(read('CHANGELOG.md'), version) === undefined) {
      refusals.push(`CHANGELOG.md has no section for ${version}; releases are made with "npm run release"`)
    }
  }
  return refusals
}

/**
 * Complaints about a folder of tarballs; none: it may be published.
 *
 * @param {string} folder
 * @param {Expected} expected
 * @returns {Promise<string[]>}
 */
export async function tarballRefusals(folder, expected) {
  return withUnpacked(folder, (packages, strange) => {
    const refusals = strange.map((file) => `${file} is no readable package`)
    const names = [expected.name, ...expected.platforms.map(({ name }) => name)]
    for (const { file, manifest } of packages) {
      if (!names.includes(manifest['name'])) refusals.push(`${file} holds ${manifest['name']}, which is no package of this project`)
    }
    for (const name of names) {
      const found = packages.filter(({ manifest }) => manifest['name'] === name)
      if (found.length === 0) refusals.push(`${name} is missing`)
      if (found.length > 1) refusals.push(`${name} is there ${found.length} times: ${found.map(({ file }) => file).join(', ')}`)
      for (const one of found) {
        const platform = expected.platforms.find((each) => each.name === name)
        const complaints = [
          ...packageRefusals(one, expected),
          ...(platform === undefined ? rootRefusals(one, expected) : platformRefusals(one, platform)),
        ]
        refusals.push(...complaints.map((complaint) => `${name}: ${complaint}`))
      }
    }
    return refusals
  })
}

/**
 * Unpack every tarball of a folder for as long as `work` takes.
 *
 * @template T
 * @param {string} folder
 * @param {(packages: Unpacked[], strange: string[]) => T} work gets the packages, and the names of files that are none
 * @returns {Promise<T>}
 */
async function withUnpacked(folder, work) {
  if (!existsSync(folder)) throw new StepError(`there is no folder ${folder}; "npm run pack -- --out <folder>" makes it`)
  const place = mkdtempSync(join(tmpdir(), 'nearhash-gate-'))
  try {
    /** @type {Unpacked[]} */
    const packages = []
    /** @type {string[]} */
    const strange = []
    for (const [i, file] of readdirSync(folder).sort().entries()) {
      const unpacked = file.endsWith('.tgz') ? await unpack(join(folder, file), place, String(i)) : undefined
      if (unpacked === undefined) strange.push(file)
      else packages.push({ file, ...unpacked })
    }
    return work(packages, strange)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/**
 * @param {string} tarball
 * @param {string} place
 * @param {string} name of a new folder in `place`
 */
async function unpack(tarball, place, name) {
  mkdirSync(join(place, name))
  // Relative names only: GNU tar takes "C:" for a host.
  copyFileSync(tarball, join(place, `${name}.tgz`))
  const { ok } = await run('tar', ['-xzf', `${name}.tgz`, '-C', name], { cwd: place })
  const folder = join(place, name, 'package')
  if (!ok || !existsSync(join(folder, 'package.json'))) return undefined
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll('\\', '/'))
  return { folder, files: files.sort(), manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }
}

/** Fields that make an installation run, fetch or refuse something. */
const FORBIDDEN = ['private', 'scripts', 'dependencies', 'devDependencies', 'peerDependencies', 'bundleDependencies', 'gypfile']

/**
 * What holds for every package.
 *
 * @param {Unpacked} unpacked
 * @param {Expected} expected
 */
function packageRefusals({ manifest, files }, { version, repository }) {
  const refusals = []
  if (manifest['version'] !== version) refusals.push(`version is ${manifest['version']}, expected ${version}`)
  for (const field of FORBIDDEN) {
    if (field in manifest) refusals.push(`package.json has "${field}"`)
  }
  if (manifest['publishConfig']?.access !== 'public') refusals.push('publishConfig.access is not "public"')
  if (manifest['license'] === undefined) refusals.push('package.json names no license')
  if (!files.includes('LICENSE')) refusals.push('LICENSE is missing')
  if (repository !== undefined) {
    const url = String(manifest['repository']?.url ?? 'missing')
    const bare = url.replace(/^git\+/, '').replace(/\.git$/, '')
    if (bare !== repository) refusals.push(`repository is ${url}, provenance needs ${repository}`)
  }
  return refusals
}

/**
 * @param {Unpacked} unpacked
 * @param {Platform} platform
 */
function platformRefusals({ folder, files, manifest }, platform) {
  const refusals = []
  const { binary } = platform
  const addons = files.filter((file) => /\.(node|so|dylib|dll|wasm)$/.test(file))
  if (addons.join() !== binary) refusals.push(`binaries are ${addons.join(', ') || 'none'}, expected exactly ${binary}`)
  const known = [binary, 'LICENSE', 'README.md', 'THIRD_PARTY_LICENSES.md', 'package.json', ...addons]
  const strange = files.filter((file) => !known.includes(file))
  if (strange.length > 0) refusals.push(`holds ${strange.join(', ')}, which is not expected`)
  if (!files.includes('THIRD_PARTY_LICENSES.md')) refusals.push('THIRD_PARTY_LICENSES.md is missing')
  if (manifest['main'] !== binary) refusals.push(`main is ${manifest['main']}, expected ${binary}`)
  const fields = /** @type {const} */ ([['os', platform.os], ['cpu', platform.cpu], ['libc', platform.libc]])
  for (const [field, wanted] of fields) {
    const [found, expected] = [JSON.stringify(manifest[field] ?? []), JSON.stringify(wanted === undefined ? [] : [wanted])]
    if (found !== expected) refusals.push(`${field} is ${found}, expected ${expected}`)
  }
  if ('optionalDependencies' in manifest) refusals.push('package.json has "optionalDependencies"')
  if (files.includes(binary)) refusals.push(...binaryRefusals(join(folder, binary), platform))
  return refusals
}

/**
 * The file's own words for what it runs on.
 *
 * @param {string} file
 * @param {Platform} platform
 */
export function binaryRefusals(file, { binary, os, cpu, libc }) {
  const found = systemOf(readFileSync(file))
  const wanted = `${os} ${cpu}`
  if (found !== wanted) return [`${binary} is for ${found}, expected ${wanted}`]
  if (libc === undefined) return []
  /** @type {string | undefined} */
  let glibc
  try {
    glibc = glibcNeededBy(file)
  } catch (error) {
    return [`${binary} can't be read: ${/** @type {Error} */ (error).message}`]
  }
  if (libc === 'musl') return glibc === undefined ? [] : [`${binary} needs glibc ${glibc}, expected is musl`]
  if (glibc === undefined) return [`${binary} asks for no glibc: it was built for another C library`]
  return isNewer(glibc, GLIBC_BASELINE) ? [`${binary} needs glibc ${glibc}, allowed is ${GLIBC_BASELINE}`] : []
}

/**
 * Platform and CPU of a shared library, as Node calls them, from the header of its file.
 *
 * @param {Buffer} bytes
 * @returns {string}
 */
export function systemOf(bytes) {
  const unknown = 'no known platform'
  if (bytes.length < 0x40) return unknown
  if (bytes.toString('latin1', 0, 4) === '\x7fELF') return named('linux', bytes.readUInt16LE(0x12), { 0x3e: 'x64', 0xb7: 'arm64' })
  if (bytes.readUInt32LE(0) === 0xfeedfacf) {
    return named('darwin', bytes.readUInt32LE(4), { 0x0100_0007: 'x64', 0x0100_000c: 'arm64' })
  }
  if (bytes.toString('latin1', 0, 2) === 'MZ') {
    const header = bytes.readUInt32LE(0x3c)
    if (header + 6 > bytes.length || bytes.toString('latin1', header, header + 4) !== 'PE\0\0') return unknown
    return named('win32', bytes.readUInt16LE(header + 4), { 0x8664: 'x64', 0xaa64: 'arm64' })
  }
  return unknown
}

/**
 * @param {string} os
 * @param {number} machine
 * @param {Record<number, string>} names
 */
function named(os, machine, names) {
  return `${os} ${names[machine] ?? `CPU 0x${machine.toString(16)}`}`
}

/**
 * @param {Unpacked} unpacked
 * @param {Expected} expected
 */
function rootRefusals({ folder, files, manifest }, { version, platforms }) {
  const refusals = []
  const addons = files.filter((file) => file.endsWith('.node'))
  if (addons.length > 0) refusals.push(`holds ${addons.join(', ')}; binaries belong into the platform packages`)
  const asked = manifest['optionalDependencies'] ?? {}
  for (const { name } of platforms) {
    if (asked[name] !== version) refusals.push(`optionalDependencies has ${name} ${asked[name]}, expected ${version}`)
  }
  for (const name of Object.keys(asked)) {
    if (!platforms.some((platform) => platform.name === name)) refusals.push(`optionalDependencies has ${name}, expected not`)
  }
  const entries = pathsIn([manifest['exports'], manifest['imports'], manifest['main'], manifest['types']])
  if (entries.length === 0) refusals.push('package.json has no exports')
  for (const entry of entries) {
    if (!files.includes(entry.replace(/^\.\//, ''))) refusals.push(`${entry} is in package.json, not in the tarball`)
  }
  const loader = 'bindings/binding.cjs'
  if (!files.includes(loader)) return [...refusals, `${loader} is missing`]
  const text = readFileSync(join(folder, loader), 'utf8')
  for (const { name } of platforms) {
    if (!text.includes(`require('${name}')`)) refusals.push(`${loader} never asks for ${name}`)
  }
  const versions = new Set([...text.matchAll(/expected (\S+) but got/g)].map((match) => match[1]))
  for (const found of versions) {
    if (found !== version) refusals.push(`${loader} expects version ${found}, not ${version}; run "npm run build"`)
  }
  return refusals
}

/**
 * Every path in exports, imports and the like.
 *
 * @param {unknown} value
 * @returns {string[]}
 */
function pathsIn(value) {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : []
}

/**
 * The tarballs in the order of publication: platform packages first, so that nobody installs a root package whose
 * platform packages aren't there yet.
 *
 * @param {string} folder
 * @param {Expected} expected
 * @returns {Promise<{ name: string, file: string }[]>}
 */
export async function publicationOrder(folder, expected) {
  return withUnpacked(folder, (packages) => {
    const list = packages.map(({ file, manifest }) => ({ name: String(manifest['name']), file: join(folder, file) }))
    return [...list.filter(({ name }) => name !== expected.name), ...list.filter(({ name }) => name === expected.name)]
  })
}
