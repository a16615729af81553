// Tarballs of a release, small and whole, for tests to break.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { library } from './binaries.js'
import type { Machine, System } from './binaries.js'

/** Written out, not computed: what users install must not follow a slip in the script. */
export const PLATFORMS: readonly [target: string, suffix: string, os: System, cpu: Machine, libc?: 'glibc' | 'musl'][] = [
  ['x86_64-unknown-linux-gnu', 'linux-x64-gnu', 'linux', 'x64', 'glibc'],
  ['aarch64-unknown-linux-gnu', 'linux-arm64-gnu', 'linux', 'arm64', 'glibc'],
  ['x86_64-unknown-linux-musl', 'linux-x64-musl', 'linux', 'x64', 'musl'],
  ['aarch64-unknown-linux-musl', 'linux-arm64-musl', 'linux', 'arm64', 'musl'],
  ['x86_64-apple-darwin', 'darwin-x64', 'darwin', 'x64'],
  ['aarch64-apple-darwin', 'darwin-arm64', 'darwin', 'arm64'],
  ['x86_64-pc-windows-msvc', 'win32-x64-msvc', 'win32', 'x64'],
  ['aarch64-pc-windows-msvc', 'win32-arm64-msvc', 'win32', 'arm64'],
]

type Manifest = Record<string, unknown>
type Files = Record<string, string | Buffer>

/** Where a release is made, and what it is. */
export interface Place {
  /** for temporary files */
  folder: string
  /** gets the tarballs */
  tarballs: string
  version: string
  repository: string
}

export const nameOf = (suffix: string) => `@nearhash/binding-${suffix}`
export const fileOf = (suffix: string, version: string) => `nearhash-binding-${suffix}-${version}.tgz`
export const rootFileOf = (version: string) => `nearhash-${version}.tgz`

/** Make a tarball as npm does: everything in a folder "package". */
export function pack({ folder, tarballs }: Place, file: string, manifest: Manifest, files: Files): void {
  const place = mkdtempSync(join(folder, 'pack-'))
  for (const [name, content] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files })) {
    mkdirSync(dirname(join(place, 'package', name)), { recursive: true })
    writeFileSync(join(place, 'package', name), content)
  }
  execFileSync('tar', ['-czf', 'packed.tgz', 'package'], { cwd: place })
  cpSync(join(place, 'packed.tgz'), join(tarballs, file))
}

/** What every manifest has. */
export function common({ version, repository }: Place, name: string): Manifest {
  return {
    name,
    version,
    license: 'MIT',
    repository: { type: 'git', url: `git+${repository}.git` },
    publishConfig: { access: 'public' },
  }
}

/** A platform's package as it should be, but for the changes. */
export function packPlatform(place: Place, suffix: string, manifest: Manifest = {}, files: Files = {}): void {
  const [, , os, cpu, libc] = PLATFORMS.find((platform) => platform[1] === suffix) ?? []
  if (os === undefined || cpu === undefined) throw new Error(suffix)
  const main = `nearhash.${suffix}.node`
  const all = { ...common(place, nameOf(suffix)), os: [os], cpu: [cpu], ...(libc && { libc: [libc] }), main, ...manifest }
  pack(place, fileOf(suffix, place.version), all, {
    LICENSE: 'MIT',
    'THIRD_PARTY_LICENSES.md': 'MIT',
    [main]: library(os, cpu, libc === 'glibc' ? '2.17' : undefined),
    ...files,
  })
}

/** The root package as it should be, but for the changes. */
export function packRoot(place: Place, manifest: Manifest = {}, files: Files = {}): void {
  const names = PLATFORMS.map(([, suffix]) => nameOf(suffix))
  const all = {
    ...common(place, 'nearhash'),
    exports: { '.': { types: './index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
    imports: { '#binding': './bindings/binding.cjs' },
    optionalDependencies: Object.fromEntries(names.map((name) => [name, place.version])),
    ...manifest,
  }
  const loader = names.map((name) => `require('${name}') // expected ${place.version} but got`).join('\n')
  const entries = { 'index.d.ts': '', 'dist/index.js': '', 'bindings/binding.cjs': loader }
  pack(place, rootFileOf(place.version), all, { LICENSE: 'MIT', ...entries, ...files })
}

/** A release that may be published. */
export function packRelease(place: Place): void {
  mkdirSync(place.tarballs, { recursive: true })
  for (const [, suffix] of PLATFORMS) packPlatform(place, suffix)
  packRoot(place)
}
