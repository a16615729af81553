import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  expectedOf,
  platformOf,
  publicationOrder,
  repositoryRefusals,
  systemOf,
  tarballRefusals,
} from '../../scripts/release-packages.mjs'
import { library } from './binaries.js'
import * as release from './tarballs.js'
import { nameOf, PLATFORMS } from './tarballs.js'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const VERSION = '1.2.3'
const REPOSITORY = 'https://github.com/somebody/nearhash'

const EXPECTED = {
  name: 'nearhash',
  version: VERSION,
  platforms: PLATFORMS.map(([target]) => platformOf(target, '@nearhash/binding', 'nearhash')),
  repository: REPOSITORY,
}

let whole: string
let folder: string
let tarballs: string

const place = () => ({ folder, tarballs, version: VERSION, repository: REPOSITORY })
const fileOf = (suffix: string) => release.fileOf(suffix, VERSION)
const ROOT_FILE = release.rootFileOf(VERSION)
const pack = (...args: Rest<typeof release.pack>) => release.pack(place(), ...args)
const packPlatform = (...args: Rest<typeof release.packPlatform>) => release.packPlatform(place(), ...args)
const packRoot = (...args: Rest<typeof release.packRoot>) => release.packRoot(place(), ...args)
const common = (name: string) => release.common(place(), name)

/** Arguments after the first. */
type Rest<F> = F extends (first: never, ...rest: infer R) => unknown ? R : never

const refusals = (expected = EXPECTED) => tarballRefusals(tarballs, expected)

beforeAll(() => {
  folder = whole = mkdtempSync(join(tmpdir(), 'gate-test-'))
  tarballs = join(whole, 'tarballs')
  release.packRelease(place())
})

afterAll(() => {
  rmSync(whole, { recursive: true, force: true, maxRetries: 3 })
})

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-test-'))
  tarballs = join(folder, 'tarballs')
  cpSync(join(whole, 'tarballs'), tarballs, { recursive: true })
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

test('the repository releases for exactly these platforms', () => {
  const { name, platforms } = expectedOf(PROJECT)
  expect(name).toBe('nearhash')
  expect(platforms).toEqual(
    PLATFORMS.map(([target, suffix, os, cpu, libc]) => {
      return { target, name: nameOf(suffix), binary: `nearhash.${suffix}.node`, os, cpu, libc }
    }),
  )
  expect(() => platformOf('riscv64gc-unknown-linux-gnu', 'x', 'x')).toThrow('is not known to releases')
})

test('a whole release passes', async () => {
  expect(await refusals()).toEqual([])
})

test('platform packages are published before the root package that asks for them', async () => {
  const order = await publicationOrder(tarballs, EXPECTED)
  expect(order.map(({ name }) => name).sort()).toEqual(['nearhash', ...PLATFORMS.map(([, suffix]) => nameOf(suffix))].sort())
  expect(order.at(-1)?.name).toBe('nearhash')
})

describe('which packages', () => {
  test.each(PLATFORMS.map(([, suffix]) => suffix))('%s is missing', async (suffix) => {
    rmSync(join(tarballs, fileOf(suffix)))
    expect(await refusals()).toEqual([`${nameOf(suffix)} is missing`])
  })

  test('the root package is missing', async () => {
    rmSync(join(tarballs, ROOT_FILE))
    expect(await refusals()).toEqual(['nearhash is missing'])
  })

  test('all are missing; there is no folder', async () => {
    for (const [, suffix] of PLATFORMS) rmSync(join(tarballs, fileOf(suffix)))
    rmSync(join(tarballs, ROOT_FILE))
    expect(await refusals()).toHaveLength(9)
    await expect(tarballRefusals(join(folder, 'nowhere'), EXPECTED)).rejects.toThrow('there is no folder')
  })

  test('a package twice', async () => {
    cpSync(join(tarballs, fileOf('darwin-x64')), join(tarballs, 'copy.tgz'))
    expect(await refusals()).toEqual([
      `@nearhash/binding-darwin-x64 is there 2 times: copy.tgz, ${fileOf('darwin-x64')}`,
    ])
  })

  test('a package of another platform or project', async () => {
    pack('other.tgz', common('@nearhash/binding-freebsd-x64'), {})
    expect(await refusals()).toEqual(['other.tgz holds @nearhash/binding-freebsd-x64, which is no package of this project'])
  })

  test('files that are no packages', async () => {
    writeFileSync(join(tarballs, 'broken.tgz'), 'not a tarball')
    writeFileSync(join(tarballs, 'notes.txt'), '')
    expect(await refusals()).toEqual(['broken.tgz is no readable package', 'notes.txt is no readable package'])
  })
})

describe('versions', () => {
  test('a platform package of another version', async () => {
    packPlatform('linux-x64-gnu', { version: '1.2.2' })
    expect(await refusals()).toEqual(['@nearhash/binding-linux-x64-gnu: version is 1.2.2, expected 1.2.3'])
  })

  test('a root package of another version', async () => {
    packRoot({ version: '1.3.0' })
    expect(await refusals()).toEqual(['nearhash: version is 1.3.0, expected 1.2.3'])
  })

  test('a root package that asks for another version, a range, one package too few or too many', async () => {
    const asked = Object.fromEntries(PLATFORMS.map(([, suffix]) => [nameOf(suffix), VERSION]))
    packRoot({ optionalDependencies: { ...asked, '@nearhash/binding-darwin-x64': '1.2.2' } })
    expect(await refusals()).toEqual([
      'nearhash: optionalDependencies has @nearhash/binding-darwin-x64 1.2.2, expected 1.2.3',
    ])
    packRoot({ optionalDependencies: { ...asked, '@nearhash/binding-darwin-x64': '^1.2.3' } })
    expect(await refusals()).toEqual([
      'nearhash: optionalDependencies has @nearhash/binding-darwin-x64 ^1.2.3, expected 1.2.3',
    ])
    packRoot({ optionalDependencies: { ...asked, extra: '1.0.0' } })
    expect(await refusals()).toEqual(['nearhash: optionalDependencies has extra, expected not'])
    packRoot({ optionalDependencies: undefined })
    expect(await refusals()).toHaveLength(8)
  })

  test('a loader of another version, or one that forgets a platform', async () => {
    const names = PLATFORMS.map(([, suffix]) => nameOf(suffix))
    const loader = (list: string[], version: string) => ({
      'bindings/binding.cjs': list.map((name) => `require('${name}') // expected ${version} but got`).join('\n'),
    })
    packRoot({}, loader(names, '1.2.2'))
    expect(await refusals()).toEqual([expect.stringContaining('expects version 1.2.2, not 1.2.3')])
    packRoot({}, loader(names.slice(1), VERSION))
    expect(await refusals()).toEqual(['nearhash: bindings/binding.cjs never asks for @nearhash/binding-linux-x64-gnu'])
  })
})

describe('what a platform package holds', () => {
  const gnu = 'linux-x64-gnu'
  const main = `nearhash.${gnu}.node`
  const own = `@nearhash/binding-${gnu}`

  test('no binary', async () => {
    const manifest = { ...common(own), os: ['linux'], cpu: ['x64'], libc: ['glibc'], main }
    pack(fileOf(gnu), manifest, { LICENSE: '', 'THIRD_PARTY_LICENSES.md': '' })
    expect(await refusals()).toEqual([`${own}: binaries are none, expected exactly ${main}`])
  })

  test('a second binary', async () => {
    packPlatform(gnu, {}, { 'nearhash.linux-x64-musl.node': library('linux', 'x64') })
    expect(await refusals()).toEqual([
      `${own}: binaries are ${main}, nearhash.linux-x64-musl.node, expected exactly ${main}`,
    ])
  })

  test('a file that does not belong there', async () => {
    packPlatform(gnu, {}, { 'src/secret.txt': '' })
    expect(await refusals()).toEqual([`${own}: holds src/secret.txt, which is not expected`])
  })

  test('no licence texts', async () => {
    const manifest = { ...common(own), os: ['linux'], cpu: ['x64'], libc: ['glibc'], main }
    pack(fileOf(gnu), manifest, { [main]: library('linux', 'x64', '2.17') })
    expect(await refusals()).toEqual([`${own}: LICENSE is missing`, `${own}: THIRD_PARTY_LICENSES.md is missing`])
  })

  test.each([
    ['another CPU', 'linux', 'arm64', '2.17', 'is for linux arm64, expected linux x64'],
    ['another system', 'darwin', 'x64', undefined, 'is for darwin x64, expected linux x64'],
    ['musl instead of glibc', 'linux', 'x64', undefined, 'asks for no glibc: it was built for another C library'],
    ['a glibc above the baseline', 'linux', 'x64', '2.18', 'needs glibc 2.18, allowed is 2.17'],
  ] as const)('a binary for %s', async (_, os, cpu, glibc, message) => {
    packPlatform(gnu, {}, { [main]: library(os, cpu, glibc) })
    expect(await refusals()).toEqual([`${own}: ${main} ${message}`])
  })

  test('glibc instead of musl', async () => {
    packPlatform('linux-arm64-musl', {}, { 'nearhash.linux-arm64-musl.node': library('linux', 'arm64', '2.17') })
    expect(await refusals()).toEqual([
      '@nearhash/binding-linux-arm64-musl: nearhash.linux-arm64-musl.node needs glibc 2.17, expected is musl',
    ])
  })

  test.each([
    ['win32-arm64-msvc', 'win32', 'x64', 'is for win32 x64, expected win32 arm64'],
    ['darwin-arm64', 'darwin', 'x64', 'is for darwin x64, expected darwin arm64'],
  ] as const)('a binary for another CPU in %s', async (suffix, os, cpu, message) => {
    packPlatform(suffix, {}, { [`nearhash.${suffix}.node`]: library(os, cpu) })
    expect(await refusals()).toEqual([`${nameOf(suffix)}: nearhash.${suffix}.node ${message}`])
  })

  test('bytes that are no binary, and half of one', async () => {
    packPlatform(gnu, {}, { [main]: '' })
    expect(await refusals()).toEqual([`${own}: ${main} is for no known platform, expected linux x64`])
    packPlatform(gnu, {}, { [main]: library('linux', 'x64', '2.17').subarray(0, 0x90) })
    expect(await refusals()).toEqual([expect.stringContaining(`${own}: ${main} can't be read`)])
  })

  test.each([
    ['os', ['darwin'], 'os is ["darwin"], expected ["linux"]'],
    ['os', undefined, 'os is [], expected ["linux"]'],
    ['cpu', ['x64', 'arm64'], 'cpu is ["x64","arm64"], expected ["x64"]'],
    ['libc', ['musl'], 'libc is ["musl"], expected ["glibc"]'],
    ['libc', undefined, 'libc is [], expected ["glibc"]'],
    ['main', 'index.js', `main is index.js, expected ${main}`],
    ['private', true, 'package.json has "private"'],
    ['scripts', { postinstall: 'node x.js' }, 'package.json has "scripts"'],
    ['dependencies', { x: '1.0.0' }, 'package.json has "dependencies"'],
    ['optionalDependencies', { x: '1.0.0' }, 'package.json has "optionalDependencies"'],
    ['publishConfig', undefined, 'publishConfig.access is not "public"'],
    ['license', undefined, 'package.json names no license'],
    ['repository', undefined, `repository is missing, provenance needs ${REPOSITORY}`],
    ['repository', { url: 'git+https://github.com/other/fork.git' }, expect.stringContaining('provenance needs')],
  ])('%s of %j', async (field, value, message) => {
    packPlatform(gnu, { [field]: value })
    expect(await refusals()).toEqual([typeof message === 'string' ? `${own}: ${message}` : message])
  })

  test('where the repository is not known, none is asked for', async () => {
    packPlatform(gnu, { repository: undefined })
    const { repository: _, ...expected } = EXPECTED
    expect(await tarballRefusals(tarballs, expected)).toEqual([])
  })
})

describe('what the root package holds', () => {
  test('a binary', async () => {
    packRoot({}, { 'bindings/nearhash.linux-x64-gnu.node': library('linux', 'x64', '2.17') })
    expect(await refusals()).toEqual([
      'nearhash: holds bindings/nearhash.linux-x64-gnu.node; binaries belong into the platform packages',
    ])
  })

  test('exports of files that are not there', async () => {
    packRoot({ exports: { '.': './dist/other.js' } })
    expect(await refusals()).toEqual(['nearhash: ./dist/other.js is in package.json, not in the tarball'])
    packRoot({ exports: undefined, imports: undefined })
    expect(await refusals()).toEqual(['nearhash: package.json has no exports'])
  })

  test('an install script, a dependency', async () => {
    packRoot({ scripts: { install: 'node-gyp rebuild' }, dependencies: { x: '1' } })
    expect(await refusals()).toEqual(['nearhash: package.json has "scripts"', 'nearhash: package.json has "dependencies"'])
  })
})

describe('the repository', () => {
  const FILES = ['package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock', 'CHANGELOG.md']
  const expected = () => expectedOf(PROJECT)
  let root: string

  beforeEach(() => {
    root = join(folder, 'repository')
    mkdirSync(root)
    for (const file of FILES) cpSync(join(PROJECT, file), join(root, file))
  })

  const edit = (file: string, from: string | RegExp, to: string) => {
    const text = readFileSync(join(root, file), 'utf8')
    const changed = text.replace(from, to)
    expect(changed).not.toBe(text)
    writeFileSync(join(root, file), changed)
  }

  test('this one agrees with itself', () => {
    expect(repositoryRefusals(root, expected())).toEqual([])
  })

  test.each([
    ['Cargo.toml', /(\[workspace\.package\]\nversion = ").+?"/, /^Cargo\.toml has version 9\.9\.9, package\.json /],
    ['Cargo.lock', /(name = "nearhash"\nversion = ").+?"/, /^Cargo\.lock has nearhash 9\.9\.9, package\.json /],
    ['package-lock.json', /("name": "nearhash",\n {2}"version": ").+?"/, /^package-lock\.json has version 9\.9\.9, /],
    ['package-lock.json', /("name": "nearhash",\n {6}"version": ").+?"/, /^package-lock\.json has version 9\.9\.9 in packages, /],
  ])('%s has another version', (file, from, message) => {
    edit(file, from, '$19.9.9"')
    expect(repositoryRefusals(root, expected())).toEqual([expect.stringMatching(message)])
  })

  test('a tag of another version; no section in the changelog', () => {
    const { version } = expected()
    writeFileSync(join(root, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n- A thing.\n')
    expect(repositoryRefusals(root, { ...expected(), tag: 'v9.9.9' })).toEqual([
      `the tag is v9.9.9, version ${version} has the tag v${version}`,
      expect.stringContaining(`CHANGELOG.md has no section for ${version}`),
    ])
    writeFileSync(join(root, 'CHANGELOG.md'), `# Changelog\n\n## ${version} - 2026-01-02\n\n- A thing.\n`)
    expect(repositoryRefusals(root, { ...expected(), tag: `v${version}` })).toEqual([])
  })
})

describe('as a command', () => {
  const gate = (...args: string[]) => {
    const env = { ...process.env, GITHUB_REPOSITORY: '', GITHUB_SERVER_URL: '' }
    const script = join(PROJECT, 'scripts', 'release-gate.mjs')
    return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env })
  }

  test('lists every refusal and fails', () => {
    rmSync(join(tarballs, fileOf('darwin-x64')))
    rmSync(join(tarballs, fileOf('win32-x64-msvc')))
    const { status, stdout, stderr } = gate(tarballs)
    expect(status).toBe(1)
    expect(stdout).toContain('REFUSED  @nearhash/binding-darwin-x64 is missing')
    expect(stdout).toContain('REFUSED  @nearhash/binding-win32-x64-msvc is missing')
    expect(stderr).toMatch(/\d+ reasons not to publish/)
  })

  test('asks for a folder', () => {
    expect(gate()).toMatchObject({ status: 1, stderr: expect.stringContaining('usage:') })
  })
})

test('bytes that only look like a library', () => {
  expect(systemOf(Buffer.from('MZ'))).toBe('no known platform')
  const beyond = Buffer.alloc(0x40)
  beyond.write('MZ', 0, 'latin1')
  beyond.writeUInt32LE(0xffffffff, 0x3c)
  expect(systemOf(beyond)).toBe('no known platform')
  const riscv = library('linux', 'x64')
  riscv.writeUInt16LE(0xf3, 0x12)
  expect(systemOf(riscv)).toBe('linux CPU 0xf3')
})
