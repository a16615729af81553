// What is published: the root package and one package for each platform, staged in npm/ from this repository.

import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, runNpm, runPackage, StepError } from './command.mjs'
import { isStripped } from './elf.mjs'

/** Most bytes of a tarball. */
export const LIMITS = { root: 150_000, platform: 2_000_000 }

/** Fields of the repository's package.json that concern only the repository. */
const REPOSITORY_ONLY = ['private', 'scripts', 'devDependencies', 'overrides', 'napi']

/**
 * One package, staged.
 *
 * @typedef {object} Staged
 * @property {string} name
 * @property {string} folder
 * @property {string} version
 * @property {string} [binary] file name of the add-on; a platform package has one
 * @property {boolean} complete it holds everything that it should
 */

/**
 * Stage every package in `folder`, which is emptied first. optionalDependencies stand only in the staged manifest: in
 * the repository's own they would break `npm ci` until the platform packages are published.
 *
 * @param {string} folder
 * @param {object} [options]
 * @param {string} [options.binaries] a folder with the add-ons, at any depth; default: the one built in this clone
 * @returns {Promise<Staged[]>} the root package last, as it has to be published last
 */
export async function stagePackages(folder, { binaries = join(ROOT, 'bindings') } = {}) {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const repository = manifest.repository ?? repositoryOfWorkflow()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })

  // A manifest of its own for the CLI, beside the packages: it reads only this one and writes within its folder.
  const source = join(folder, 'package.json')
  writeJson(source, { ...manifest, ...(repository && { repository }), publishConfig: { access: 'public' } })
  const created = await runPackage('@napi-rs/cli/dist/cli.js', [
    ...['create-npm-dirs', '--cwd', folder, '--package-json-path', 'package.json', '--npm-dir', '.'],
  ])
  if (!created.ok) throw new StepError(`napi create-npm-dirs failed:\n${created.output}`)
  rmSync(source)

  const found = addonsIn(binaries)
  /** @type {Staged[]} */
  const staged = []
  for (const platform of readdirSync(folder).sort()) {
    const place = join(folder, platform)
    if (!statSync(place).isDirectory()) continue
    const { name, version, main } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
    copyShared(place)
    const [addon, ...more] = found.get(main) ?? []
    if (more.length > 0) throw new StepError(`${main} was found more than once: ${[addon, ...more].join(', ')}`)
    if (addon !== undefined) copyFileSync(addon, join(place, main))
    staged.push({ name, folder: place, version, binary: main, complete: addon !== undefined })
  }
  const wanted = manifest.napi.targets.length
  if (staged.length !== wanted) throw new StepError(`${staged.length} platform packages were staged instead of ${wanted}`)

  const root = join(folder, manifest.name)
  mkdirSync(root)
  const published = Object.fromEntries(Object.entries(manifest).filter(([key]) => !REPOSITORY_ONLY.includes(key)))
  writeJson(join(root, 'package.json'), {
    ...published,
    ...(repository && { repository }),
    publishConfig: { access: 'public' },
    optionalDependencies: Object.fromEntries(staged.map(({ name }) => [name, manifest.version])),
  })
  for (const file of manifest.files) cpSync(join(ROOT, file), join(root, file), { recursive: true })
  copyShared(root)
  if (existsSync(join(ROOT, 'README.md'))) copyFileSync(join(ROOT, 'README.md'), join(root, 'README.md'))
  staged.push({ name: manifest.name, folder: root, version: manifest.version, complete: true })
  return staged
}

/** Licences: of nearhash, and of the crates inside where the list has been made. */
const SHARED = ['LICENSE', 'THIRD_PARTY_LICENSES.md']

/** @param {string} folder */
function copyShared(folder) {
  for (const file of SHARED) {
    if (existsSync(join(ROOT, file))) copyFileSync(join(ROOT, file), join(folder, file))
  }
  const path = join(folder, 'package.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  const extra = SHARED.filter((file) => !/^licen[cs]e/i.test(file) && existsSync(join(ROOT, file)))
  writeJson(path, { ...manifest, files: [...manifest.files, ...extra] })
}

/** Provenance needs the repository in the manifest; a workflow on GitHub knows it. */
function repositoryOfWorkflow() {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  return server && name ? { type: 'git', url: `git+${server}/${name}.git` } : undefined
}

/**
 * Add-ons by file name.
 *
 * @param {string} folder
 * @returns {Map<string, string[]>}
 */
function addonsIn(folder) {
  /** @type {Map<string, string[]>} */
  const found = new Map()
  if (!existsSync(folder)) return found
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.node')) continue
    found.set(entry.name, [...(found.get(entry.name) ?? []), join(entry.parentPath, entry.name)])
  }
  return found
}

/**
 * What `npm pack` makes of a staged package.
 *
 * @typedef {object} Packed
 * @property {string} file the tarball
 * @property {number} size bytes of the tarball
 * @property {string[]} files paths inside
 */

/**
 * @param {Staged} staged
 * @param {string} destination folder for the tarball
 * @returns {Promise<Packed>}
 */
export async function packStaged({ name, folder }, destination) {
  const { ok, output, stdout } = await runNpm(['pack', folder, '--json', '--ignore-scripts', '--pack-destination', destination])
  if (!ok) throw new StepError(`npm pack of ${name} failed:\n${output}`)
  const answer = JSON.parse(stdout)
  // npm 11 answers with a list, npm 12 with an object by name.
  const [{ filename, size, files }] = Array.isArray(answer) ? answer : Object.values(answer)
  return {
    file: join(destination, filename.replace('@', '').replace('/', '-')),
    size,
    files: files.map((/** @type {{ path: string }} */ { path }) => path).sort(),
  }
}

/**
 * Complaints about a packed package: size, what is in it, what its manifest says.
 *
 * @param {Staged} staged
 * @param {Packed} packed
 * @returns {string[]}
 */
export function complaintsAbout(staged, packed) {
  const complaints = []
  const limit = staged.binary === undefined ? LIMITS.root : LIMITS.platform
  if (packed.size >= limit) complaints.push(`the tarball has ${packed.size} bytes; allowed are fewer than ${limit}`)
  const manifest = JSON.parse(readFileSync(join(staged.folder, 'package.json'), 'utf8'))
  for (const field of ['dependencies', 'scripts', 'devDependencies', 'private', 'gypfile']) {
    if (field in manifest) complaints.push(`package.json has "${field}"`)
  }
  const addons = packed.files.filter((file) => file.endsWith('.node'))
  const expected = staged.binary === undefined ? [] : [staged.binary]
  if (addons.join() !== expected.join()) {
    complaints.push(`add-ons inside: ${addons.join(', ') || 'none'}; expected: ${expected.join(', ') || 'none'}`)
  }
  if (staged.binary?.includes('linux') && addons.length > 0 && !isStripped(join(staged.folder, staged.binary))) {
    complaints.push(`${staged.binary} is not stripped`)
  }
  return complaints
}

/**
 * @param {string} file
 * @param {unknown} value
 */
function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)
}
