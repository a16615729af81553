import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { findRelease, RELEASES } from '../../scripts/engine-releases.mjs'
import { describeNeeds, findJava, installedJava } from '../../scripts/java.mjs'

const folder = mkdtempSync(join(tmpdir(), 'nearhash-java-'))

afterEach(() => vi.unstubAllEnvs())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A home of Java as far as one looks for it. */
function makeJava(name: string, version: string, programs: string[]): string {
  const home = join(folder, name)
  mkdirSync(join(home, 'bin'), { recursive: true })
  for (const program of programs) writeFileSync(join(home, 'bin', program), '')
  writeFileSync(join(home, 'release'), `IMPLEMENTOR="nobody"\nJAVA_VERSION="${version}"\nJAVA_VERSION_DATE="2026-01-01"\n`)
  return home
}

describe('a release', () => {
  it('is found by its flavour and by the beginning of its version', () => {
    expect(findRelease('opensearch')).toBe(RELEASES[0])
    for (const release of RELEASES) {
      const { flavour, version } = release
      for (const beginning of [version, version.split('.')[0]!, `${version.split('.')[0]!}.`]) expect(findRelease(flavour, beginning)).toBe(release)
    }
    expect(() => findRelease('solr')).toThrow('received solr, allowed: opensearch or elasticsearch')
    // Not by part of a number.
    expect(() => findRelease('opensearch', '2.1')).toThrow('received 2.1, allowed: 2.19.1 or 3.8.0')
  })
})

describe('Java', () => {
  it('is that of JAVA_HOME, if it will do, and else one of another name or place', () => {
    const [old, recent, newest] = [
      makeJava('old', '17.0.15', ['java', 'javac']),
      makeJava('recent', '21', ['java']),
      makeJava('newest', '99.0.1', ['java', 'javac']),
    ]
    vi.stubEnv('JAVA_HOME', old)
    vi.stubEnv('JAVA_HOME_21_X64', recent)
    vi.stubEnv('JAVA_HOME_99_X64', newest)
    vi.stubEnv('PATH', '')
    expect(installedJava()[0]).toEqual({ home: old, major: 17, compiler: true })
    expect(findJava({ from: 17, to: 23 })?.home).toBe(old)
    expect(findJava({ from: 99, compiler: true })?.home).toBe(newest)
    expect(findJava({ from: 21, to: 21, compiler: true }, [{ home: recent, major: 21, compiler: false }])).toBeUndefined()
    expect(findJava({ from: 100 })).toBeUndefined()
  })

  it('is not what has no java, or does not say its version', () => {
    const [empty, silent] = [makeJava('empty', '17', []), makeJava('silent', '17', ['java'])]
    rmSync(join(silent, 'release'))
    for (const home of [empty, silent, join(folder, 'nowhere')]) {
      vi.stubEnv('JAVA_HOME', home)
      expect(installedJava().map((java) => java.home)).not.toContain(home)
    }
  })

  it('that is needed is told in words', () => {
    expect(describeNeeds({ from: 17, to: 23 })).toBe('Java 17 to 23')
    expect(describeNeeds({ from: 21, compiler: true })).toBe('a JDK of Java 21 or later')
  })
})
