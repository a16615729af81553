import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { chooseLicences, cratesInside, licenceList } from '../../scripts/release-licences.mjs'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

test.each([
  ['MIT', ['MIT']],
  ['Apache-2.0 OR MIT', ['MIT']],
  ['MIT/Apache-2.0', ['MIT']],
  ['Apache-2.0 / MIT', ['MIT']],
  ['Apache-2.0', ['Apache-2.0']],
  ['BSD-2-Clause OR Apache-2.0', ['BSD-2-Clause']],
  ['(MIT OR Apache-2.0) AND Unicode-3.0', ['MIT', 'Unicode-3.0']],
])('%s is taken under %j', (expression, licences) => {
  expect(chooseLicences(expression)).toEqual(licences)
})

test.each([null, '', 'GPL-3.0-only', 'LGPL-2.1-or-later OR GPL-3.0-only', 'MIT AND GPL-3.0-only', 'MIT OR ISC AND Zlib', 'mit'])(
  '%s is not accepted',
  (expression) => {
    expect(chooseLicences(expression)).toBeUndefined()
  },
)

test('what builds, tests or runs in the compiler is not inside', () => {
  const crate = (name: string, source: string | null, kind = 'lib') => {
    return { id: name, name, version: '1.0.0', license: 'MIT', manifest_path: '', source, targets: [{ kind: [kind] }] }
  }
  const node = (id: string, ...deps: [pkg: string, kind: string | null][]) => {
    return { id, deps: deps.map(([pkg, kind]) => ({ pkg, dep_kinds: [{ kind }] })) }
  }
  const names = ['direct', 'indirect', 'tester', 'builder', 'of-builder', 'macro', 'of-macro']
  const metadata = {
    packages: [
      crate('root', null),
      crate('engine', null),
      ...names.map((name) => crate(name, 'registry', name === 'macro' ? 'proc-macro' : 'lib')),
    ],
    resolve: {
      nodes: [
        node('root', ['engine', null], ['direct', null], ['builder', 'build'], ['macro', null]),
        node('engine', ['tester', 'dev'], ['indirect', null]),
        node('direct', ['indirect', null]),
        node('indirect', ['direct', null]),
        node('builder', ['of-builder', null]),
        node('macro', ['of-macro', null]),
        ...['tester', 'of-builder', 'of-macro'].map((name) => node(name)),
      ],
    },
  }
  expect(cratesInside(metadata, 'root').map(({ name }) => name).sort()).toEqual(['direct', 'indirect'])
})

test('a crate with a licence that nobody has judged fails the list', async () => {
  const root = mkdtempSync(join(tmpdir(), 'licence-test-'))
  try {
    const workspace = (license: string) => {
      mkdirSync(join(root, 'src'), { recursive: true })
      writeFileSync(join(root, 'src', 'lib.rs'), '')
      writeFileSync(join(root, 'package.json'), JSON.stringify({ napi: { targets: ['x86_64-unknown-linux-gnu'] } }))
      const manifest = (name: string, more: string) => `[package]\nname = "${name}"\nversion = "1.0.0"\nedition = "2024"\n${more}\n`
      writeFileSync(join(root, 'Cargo.toml'), manifest('nearhash-node', '[dependencies]\nodd = "1.0.0"\n[workspace]'))
      // A registry of one crate, as "cargo vendor" would lay it out.
      const odd = join(root, 'vendor', 'odd')
      mkdirSync(join(odd, 'src'), { recursive: true })
      writeFileSync(join(odd, 'Cargo.toml'), manifest('odd', `license = "${license}"`))
      writeFileSync(join(odd, 'src', 'lib.rs'), '')
      writeFileSync(join(odd, '.cargo-checksum.json'), '{"files":{}}')
      mkdirSync(join(root, '.cargo'), { recursive: true })
      const sources = '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "vendor"\n'
      writeFileSync(join(root, '.cargo', 'config.toml'), sources)
      const source = 'source = "registry+https://github.com/rust-lang/crates.io-index"'
      writeFileSync(
        join(root, 'Cargo.lock'),
        `version = 4\n\n[[package]]\nname = "nearhash-node"\nversion = "1.0.0"\ndependencies = [\n "odd",\n]\n\n` +
          `[[package]]\nname = "odd"\nversion = "1.0.0"\n${source}\n`,
      )
    }
    workspace('GPL-3.0-only')
    await expect(licenceList(root)).rejects.toThrow('odd 1.0.0 has the licence "GPL-3.0-only", which is not accepted')
    workspace('MIT')
    await expect(licenceList(root)).rejects.toThrow('odd 1.0.0 has no text of its licence MIT')
    cpSync(join(PROJECT, 'LICENSE'), join(root, 'vendor', 'odd', 'LICENSE'))
    const list = await licenceList(root)
    expect(list).toContain('| odd 1.0.0 | MIT | MIT |')
    expect(list).toContain(`## odd 1.0.0\n\n\`\`\`text\n${readFileSync(join(PROJECT, 'LICENSE'), 'utf8').trim()}\n\`\`\``)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
