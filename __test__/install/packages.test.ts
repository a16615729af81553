import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isStripped } from '../../scripts/elf.mjs'
import { complaintsAbout, packStaged, stagePackages, type Packed, type Staged } from '../../scripts/packages.mjs'

let folder: string
let staged: Staged[]
const packed = new Map<string, Packed>()
const manifestOf = (one: Staged) => JSON.parse(readFileSync(join(one.folder, 'package.json'), 'utf8'))

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nearhash-packages-'))
  staged = await stagePackages(join(folder, 'npm'))
  for (const one of staged) {
    if (one.complete) packed.set(one.name, await packStaged(one, folder))
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('root package', () => {
  test('is small and holds only what is used', () => {
    const root = staged.at(-1)!
    const { size, files } = packed.get('nearhash')!
    expect(size).toBeLessThan(150_000)
    const foreign = files.filter((file) => !/^(dist\/(search-engine\/)?[\w-]+\.js|index\.d\.ts|search-engine\.d\.ts|bindings\/binding\.cjs|package\.json|LICENSE|README\.md|CHANGELOG\.md|THIRD[\w-]+\.(md|html|txt))$/.test(file))
    expect(foreign).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['dist/index.js', 'index.d.ts', 'dist/search-engine/index.js', 'search-engine.d.ts', 'bindings/binding.cjs', 'LICENSE']))
    expect(complaintsAbout(root, packed.get('nearhash')!)).toEqual([])
  })

  test('asks for every platform package in its own version, and for nothing else', () => {
    const manifest = manifestOf(staged.at(-1)!)
    const platforms = staged.filter(({ binary }) => binary !== undefined)
    expect(platforms).toHaveLength(8)
    expect(manifest.optionalDependencies).toEqual(Object.fromEntries(platforms.map(({ name }) => [name, manifest.version])))
    for (const field of ['dependencies', 'devDependencies', 'peerDependencies', 'scripts', 'private', 'napi']) {
      expect(manifest).not.toHaveProperty(field)
    }
    expect(platforms.map(({ version }) => version)).toEqual(Array.from({ length: 8 }, () => manifest.version))
  })

  test('puts types first in its exports', () => {
    const { exports } = manifestOf(staged.at(-1)!)
    expect(Object.keys(exports['.'])[0]).toBe('types')
  })

  test('has the committed loader ask for packages of these names', () => {
    const loader = readFileSync(join(staged.at(-1)!.folder, 'bindings', 'binding.cjs'), 'utf8')
    for (const { name, binary } of staged) {
      if (binary === undefined) continue
      expect(loader).toContain(`require('${name}')`)
      expect(loader).toContain(`require('./${binary}')`)
    }
  })

  test('keeps the platform packages out of the manifest of a clone, where npm ci could not find them', () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'))
    expect(manifest).not.toHaveProperty('optionalDependencies')
    expect(manifest.private).toBe(true)
  })
})

describe('platform packages', () => {
  test('are admitted by npm where they belong', () => {
    const admitted = Object.fromEntries(
      staged.filter(({ binary }) => binary !== undefined).map((one) => {
        const { os, cpu, libc } = manifestOf(one)
        return [one.name.replace('@nearhash/binding-', ''), [...os, ...cpu, ...(libc ?? [])].join(' ')]
      }),
    )
    expect(admitted).toEqual({
      'darwin-arm64': 'darwin arm64',
      'darwin-x64': 'darwin x64',
      'linux-arm64-gnu': 'linux arm64 glibc',
      'linux-arm64-musl': 'linux arm64 musl',
      'linux-x64-gnu': 'linux x64 glibc',
      'linux-x64-musl': 'linux x64 musl',
      'win32-arm64-msvc': 'win32 arm64',
      'win32-x64-msvc': 'win32 x64',
    })
  })

  test('hold one stripped binary in less than 2 MB', () => {
    const built = staged.filter(({ binary, complete }) => binary !== undefined && complete)
    expect(built.length).toBeGreaterThan(0)
    for (const one of built) {
      const { size, files } = packed.get(one.name)!
      expect(size).toBeLessThan(2_000_000)
      expect(files.filter((file) => file.endsWith('.node'))).toEqual([one.binary])
      expect(complaintsAbout(one, packed.get(one.name)!)).toEqual([])
      if (one.binary!.includes('linux')) expect(isStripped(join(one.folder, one.binary!))).toBe(true)
    }
  })

  test('without the binary are not taken for complete', () => {
    const root = staged.at(-1)!
    const empty: Staged = { ...root, binary: 'nearhash.linux-x64-gnu.node' }
    expect(complaintsAbout(empty, packed.get('nearhash')!)).toContainEqual(expect.stringContaining('add-ons inside: none'))
  })
})
