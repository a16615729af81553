import { describe, expect, test } from 'vitest'
import { releaseNotes, sectionOf, unreleasedNotes } from '../../scripts/release-changelog.mjs'
import {
  compareVersions,
  nextVersion,
  setLoaderVersion,
  setLockedVersion,
  setPackageVersion,
  setWorkspaceVersion,
} from '../../scripts/release-version.mjs'

describe('next version', () => {
  test.each([
    ['1.2.3', 'patch', '1.2.4'],
    ['1.2.3', 'minor', '1.3.0'],
    ['1.2.3', 'major', '2.0.0'],
    ['0.1.0', 'minor', '0.2.0'],
    ['1.3.0-rc.1', 'patch', '1.3.0'],
    ['1.3.0-rc.1', 'minor', '1.3.0'],
    ['1.3.1-rc.1', 'minor', '1.4.0'],
    ['2.0.0-rc.1', 'major', '2.0.0'],
    ['2.1.0-rc.1', 'major', '3.0.0'],
    ['1.2.3', '1.2.10', '1.2.10'],
    ['1.2.3', '1.3.0-rc.1', '1.3.0-rc.1'],
    ['1.3.0-rc.1', '1.3.0', '1.3.0'],
  ])('%s, %s: %s', (current, wanted, expected) => {
    expect(nextVersion(current, wanted)).toBe(expected)
  })

  test.each(['1.2.3', '1.2.2', '0.9.9', '1.2.3-rc.1'])('%s is not above 1.2.3', (wanted) => {
    expect(() => nextVersion('1.2.3', wanted)).toThrow(/is not above the current version 1\.2\.3/)
  })

  test.each(['', 'mayor', 'v1.3.0', '1.3', '01.3.0', '1.3.0+build', '1.3.0 '])('"%s" is no version', (wanted) => {
    expect(() => nextVersion('1.2.3', wanted)).toThrow(/neither major, minor or patch nor a version/)
  })

  test('order is that of semver.org, section 11', () => {
    const rising = [
      ...['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11'],
      ...['1.0.0-rc.1', '1.0.0', '1.0.2', '1.0.10', '1.2.0', '2.0.0'],
    ]
    for (const [i, a] of rising.entries()) {
      for (const [j, b] of rising.entries()) expect(Math.sign(compareVersions(a, b)), `${a}, ${b}`).toBe(Math.sign(i - j))
    }
  })
})

describe('files that name the version', () => {
  test('package.json: its own version and those of its platform packages', () => {
    const json = (version: string) => {
      const optionalDependencies = { '@nearhash/binding-linux-x64-gnu': version, other: '0.1.0' }
      return `${JSON.stringify({ name: 'nearhash', version, optionalDependencies }, null, 2)}\n`
    }
    expect(setPackageVersion(json('0.1.0'), '0.1.0', '0.2.0', 'package.json')).toBe(json('0.2.0'))
    expect(() => setPackageVersion(json('0.1.1'), '0.1.0', '0.2.0', 'package.json')).toThrow(
      'package.json names version 0.1.1, expected 0.1.0',
    )
    const stale = json('0.1.0').replace('gnu": "0.1.0"', 'gnu": "0.0.9"')
    expect(() => setPackageVersion(stale, '0.1.0', '0.2.0', 'package.json')).toThrow(
      'asks for @nearhash/binding-linux-x64-gnu 0.0.9, expected 0.1.0',
    )
  })

  test('package-lock.json: both places, nothing else', () => {
    const lock = (version: string) => {
      const packages = { '': { name: 'nearhash', version }, 'node_modules/x': { version: '0.1.0', integrity: 'sha512-x' } }
      return `${JSON.stringify({ name: 'nearhash', version, lockfileVersion: 3, packages }, null, 2)}\n`
    }
    expect(setPackageVersion(lock('0.1.0'), '0.1.0', '0.2.0', 'package-lock.json')).toBe(lock('0.2.0'))
  })

  test('package-lock.json: what it knew of a platform package belongs to the old version', () => {
    const path = 'node_modules/@nearhash/binding-darwin-x64'
    const entry = { version: '0.1.0', resolved: 'https://example.test/x.tgz', integrity: 'sha512-x', optional: true }
    const lock = { name: 'nearhash', version: '0.1.0', packages: { '': { version: '0.1.0' }, [path]: entry } }
    const changed = JSON.parse(setPackageVersion(JSON.stringify(lock), '0.1.0', '0.2.0', 'package-lock.json'))
    expect(changed.packages[path]).toEqual({ version: '0.2.0', optional: true })
  })

  test('Cargo.toml: the workspace and its own crates, no one else’s', () => {
    const toml = (version: string) =>
      [
        '[workspace.package]',
        `version = "${version}"`,
        'rust-version = "0.1.0"',
        '[workspace.dependencies]',
        `nearhash = { path = "crates/nearhash", version = "${version}" }`,
        'libm = "0.1.0"',
        'napi = { version = "0.1.0", default-features = false }',
        '[profile.release]',
        'version = "0.1.0"',
        '',
      ].join('\n')
    expect(setWorkspaceVersion(toml('0.1.0'), '0.1.0', '0.2.0')).toBe(toml('0.2.0'))
    expect(() => setWorkspaceVersion(toml('0.1.1'), '0.1.0', '0.2.0')).toThrow('names 0.1.1, expected 0.1.0')
    expect(() => setWorkspaceVersion('[workspace]\n', '0.1.0', '0.2.0')).toThrow('has 0 versions')
    const withoutPath = toml('0.1.0').replace('path = "crates/nearhash", ', '')
    expect(() => setWorkspaceVersion(withoutPath, '0.1.0', '0.2.0')).toThrow('0 crates of its own')
  })

  test('Cargo.lock: the named crates that lie here', () => {
    const lock = (version: string) =>
      [
        '[[package]]\nname = "libm"\nversion = "0.1.0"\nsource = "registry+x"\n',
        `[[package]]\nname = "nearhash"\nversion = "${version}"\ndependencies = [\n "libm",\n]\n`,
        '[[package]]\nname = "nearhash"\nversion = "0.0.1"\nsource = "registry+x"\n',
        '[[package]]\nname = "nearhash-benchmark"\nversion = "0.1.0"\n',
      ].join('\n')
    expect(setLockedVersion(lock('0.1.0'), ['nearhash'], '0.1.0', '0.2.0', 'Cargo.lock')).toBe(lock('0.2.0'))
    expect(() => setLockedVersion(lock('0.1.1'), ['nearhash'], '0.1.0', '0.2.0', 'Cargo.lock')).toThrow(
      'Cargo.lock holds nearhash 0.1.1, expected 0.1.0',
    )
    expect(() => setLockedVersion(lock('0.1.0'), ['floky'], '0.1.0', '0.2.0', 'Cargo.lock')).toThrow('holds none of floky')
  })

  test('the loader: what it expects, in code and in words', () => {
    const loader = (version: string) => `if (v !== '${version}') throw new Error(\`expected ${version} but got \${v}\`) // 10.1.0`
    expect(setLoaderVersion(loader('0.1.0'), '0.1.0', '0.2.0')).toBe(loader('0.2.0'))
  })
})

describe('changelog', () => {
  const before = '# Changelog\n\nIn some manner.\n\n'
  const older = '## 0.1.0 - 2026-01-02\n\n- First.\n'

  test('Unreleased becomes the section of the version, older ones stay', () => {
    const changelog = `${before}## Unreleased\n\n### Added\n\n- A thing.\n\n${older}`
    const released = releaseNotes(changelog, '0.2.0', '2026-03-04')
    expect(released).toBe(
      `${before}## Unreleased\n\n## 0.2.0 - 2026-03-04\n\n### Added\n\n- A thing.\n\n${older}`,
    )
    expect(sectionOf(released, '0.2.0')).toBe('### Added\n\n- A thing.')
    expect(sectionOf(released, '0.1.0')).toBe('- First.')
    expect(sectionOf(released, '0.3.0')).toBeUndefined()
  })

  test('the first release', () => {
    expect(releaseNotes(`${before}## [Unreleased]\n- A thing.`, '0.1.0', '2026-03-04')).toBe(
      `${before}## Unreleased\n\n## 0.1.0 - 2026-03-04\n\n- A thing.\n`,
    )
  })

  test.each([
    ['no section', before + older, 'has no section "## Unreleased"'],
    ['nothing', `${before}## Unreleased\n\n${older}`, 'lists nothing'],
    ['only headings', `${before}## Unreleased\n\n### Added\n\n### Fixed\n\n${older}`, 'lists nothing'],
    ['only a comment', `${before}## Unreleased\n\n<!-- write here -->\n\n${older}`, 'lists nothing'],
  ])('refused: %s', (_, changelog, message) => {
    expect(() => unreleasedNotes(changelog)).toThrow(message)
    expect(() => releaseNotes(changelog, '0.2.0', '2026-03-04')).toThrow(message)
  })

  test('refused: a section that is there already', () => {
    expect(() => releaseNotes(`${before}## Unreleased\n\n- A thing.\n\n${older}`, '0.1.0', '2026-03-04')).toThrow(
      'has a section for 0.1.0 already',
    )
  })
})
