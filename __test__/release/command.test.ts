import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** Of the project, what names its version, and the scripts. */
const FILES = [
  ...['package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock', '.gitattributes', '.gitignore'],
  ...['benchmark/floky/Cargo.toml', 'benchmark/floky/Cargo.lock', 'bindings/Cargo.toml', 'bindings/binding.cjs'],
  ...['crates/nearhash/Cargo.toml', 'scripts'],
]

const CHANGELOG = '# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n'

let folder: string
let repository: string
let temporary: string

/** Git and npm as on a machine where nobody has set anything. */
function environment(): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(([name]) => !/^(GIT_|npm_)/i.test(name))
  return {
    ...Object.fromEntries(clean),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(folder, 'gitconfig'),
    TMPDIR: temporary,
    TEMP: temporary,
    TMP: temporary,
  }
}

function git(...args: string[]): string {
  return execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8', env: environment() }).trimEnd()
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(repository, file)), { recursive: true })
  writeFileSync(join(repository, file), text)
}

function read(file: string): string {
  return readFileSync(join(repository, file), 'utf8')
}

function commitAll(): void {
  git('add', '--all')
  git('commit', '--quiet', '--allow-empty', '--message', 'A change')
}

/** The checks of the repository: programs of which a test decides what they do. */
function setChecks(test: string, crate = 'process.exit(0)'): void {
  const manifest = JSON.parse(read('package.json'))
  manifest.scripts = { release: 'node scripts/release.mjs', test: 'node check.mjs test', 'check:crate': 'node check.mjs crate' }
  write('package.json', `${JSON.stringify(manifest, null, 2)}\n`)
  write('check.mjs', `if (process.argv[2] === 'test') { ${test} } else { ${crate} }\n`)
  commitAll()
}

function release(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status, stdout, stderr, error } = spawnSync(npm, ['run', '--silent', 'release', '--', ...args], {
    cwd: repository,
    encoding: 'utf8',
    env: environment(),
    shell: process.platform === 'win32',
  })
  if (error !== undefined) throw error
  return { code: status, stdout, stderr }
}

/** Everything that a release could change. */
function state(): unknown {
  return {
    head: git('rev-parse', 'HEAD'),
    branch: git('branch', '--show-current'),
    references: git('for-each-ref'),
    status: git('status', '--porcelain'),
    objects: git('count-objects', '-v'),
    worktrees: git('worktree', 'list'),
    temporary: readdirSync(temporary).filter((name) => name.startsWith('nearhash-')),
  }
}

function expectRefusal(args: string[], message: RegExp): void {
  const before = state()
  const { code, stdout, stderr } = release(...args)
  expect(stderr).toMatch(message)
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.not.stringContaining('diff --git') })
  expect(state()).toEqual(before)
}

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'release-test-')))
  repository = join(folder, 'repository')
  temporary = join(folder, 'temporary')
  mkdirSync(repository)
  mkdirSync(temporary)
  writeFileSync(join(folder, 'gitconfig'), '[user]\n\tname = Somebody\n\temail = somebody@example.test\n[gc]\n\tauto = 0\n')
  git('init', '--quiet', '--initial-branch', 'main')
  for (const file of FILES) cpSync(join(PROJECT, file), join(repository, file), { recursive: true })
  const version = JSON.parse(read('package.json')).version
  // Whatever the project's version is by now: here it is 0.1.0.
  for (const file of FILES.filter((name) => name !== 'scripts' && !name.startsWith('.'))) {
    write(file, read(file).replaceAll(version, '0.1.0'))
  }
  write('crates/nearhash/src/lib.rs', '')
  write('bindings/src/lib.rs', '')
  write('bindings/build.rs', 'fn main() {}\n')
  write('benchmark/floky/src/main.rs', 'fn main() {}\n')
  write('CHANGELOG.md', CHANGELOG)
  setChecks('process.exit(0)')
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

test('a release is one commit and one tag, and every file names the version', () => {
  const before = git('rev-parse', 'HEAD')
  const { code, stderr } = release('minor')
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('0.1.0 became 0.2.0') })

  expect(git('rev-parse', 'HEAD^')).toBe(before)
  expect(git('rev-parse', 'v0.2.0^{commit}')).toBe(git('rev-parse', 'HEAD'))
  expect(git('cat-file', '-t', 'v0.2.0')).toBe('tag')
  expect(git('log', '-1', '--format=%s, %an')).toBe('Release v0.2.0, Somebody')
  expect(git('status', '--porcelain')).toBe('')
  expect(readdirSync(temporary).filter((name) => name.startsWith('nearhash-'))).toEqual([])

  const files = ['CHANGELOG.md', 'Cargo.lock', 'Cargo.toml', 'benchmark/floky/Cargo.lock', 'bindings/binding.cjs']
  expect(git('diff', '--name-only', 'HEAD^').split('\n').sort()).toEqual(
    [...files, 'package-lock.json', 'package.json'].sort(),
  )
  expect(JSON.parse(read('package.json')).version).toBe('0.2.0')
  const lock = JSON.parse(read('package-lock.json'))
  expect([lock.version, lock.packages[''].version]).toEqual(['0.2.0', '0.2.0'])
  expect(read('CHANGELOG.md')).toMatch(
    /^# Changelog\n\n## Unreleased\n\n## 0\.2\.0 - \d{4}-\d\d-\d\d\n\n### Added\n\n- A thing\.\n$/,
  )
  expect(read('bindings/binding.cjs')).not.toContain("'0.1.0'")
})

test('cargo reads the new version from manifests and lock files', () => {
  expect(release('1.0.0-rc.1').code).toBe(0)
  const metadata = (folder: string) => {
    const args = ['metadata', '--format-version', '1', '--no-deps', '--manifest-path', join(repository, folder, 'Cargo.toml')]
    return JSON.parse(execFileSync('cargo', args, { encoding: 'utf8', env: environment() }))
  }
  const versions = metadata('.').packages.map((one: { name: string; version: string }) => `${one.name} ${one.version}`)
  expect(versions.sort()).toEqual(['nearhash 1.0.0-rc.1', 'nearhash-node 1.0.0-rc.1'])
  const [engine] = metadata('.').packages.filter((one: { name: string }) => one.name === 'nearhash-node')[0].dependencies
    .filter((one: { name: string }) => one.name === 'nearhash')
  expect(engine.req).toBe('^1.0.0-rc.1')
  for (const file of ['Cargo.lock', 'benchmark/floky/Cargo.lock']) {
    expect(read(file)).toContain('name = "nearhash"\nversion = "1.0.0-rc.1"\n')
  }
  expect(read('benchmark/floky/Cargo.lock')).toContain('name = "nearhash-benchmark-floky"\nversion = "0.1.0"\n')
})

test('a dry run shows the change, runs the checks and leaves nothing behind', () => {
  const seen = join(folder, 'seen.json')
  const note = `
    const { readFileSync, writeFileSync } = await import('node:fs')
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ version, cwd: process.cwd(), ci: process.env.CI }))`
  setChecks(note)
  const before = state()
  const { code, stdout, stderr } = release('--dry-run', 'minor')
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('nothing was changed') })
  expect(stdout).toContain('-  "version": "0.1.0",\n+  "version": "0.2.0",')
  expect(stdout).toContain('+## 0.2.0 - ')
  expect(state()).toEqual(before)
  // Checked was the new version, and not in this folder.
  const { version, cwd, ci } = JSON.parse(readFileSync(seen, 'utf8'))
  expect({ version, ci }).toEqual({ version: '0.2.0', ci: 'true' })
  expect(cwd.startsWith(temporary)).toBe(true)
})

test('a dry run can leave out the checks and says so', () => {
  setChecks('process.exit(3)')
  const { code, stdout, stderr } = release('patch', '--dry-run', '--skip-checks')
  expect(code).toBe(0)
  expect(stderr).toContain('NOT CHECKED: --skip-checks left out npm run test and npm run check:crate')
  expect(stdout).toContain('+  "version": "0.1.1",')
})

test('a release can be made after a release', () => {
  expect(release('minor').code).toBe(0)
  expectRefusal(['minor'], /lists nothing under "## Unreleased"/)
  write('CHANGELOG.md', read('CHANGELOG.md').replace('## Unreleased\n', '## Unreleased\n\n- Another thing.\n'))
  commitAll()
  expect(release('patch').code).toBe(0)
  expect(git('tag', '--list').split('\n')).toEqual(['v0.2.0', 'v0.2.1'])
  expect(read('CHANGELOG.md').match(/^## .*?(?= -|$)/gm)).toEqual(['## Unreleased', '## 0.2.1', '## 0.2.0'])
})

test('refused: a failing check', () => {
  setChecks('process.exit(3)')
  expectRefusal(['minor'], /npm run test ended with exit code 3; nothing was changed/)
  expectRefusal(['minor', '--dry-run'], /npm run test ended with exit code 3/)
})

test('refused: a crate that cannot be published', () => {
  setChecks('process.exit(0)', 'process.exit(4)')
  expectRefusal(['minor'], /npm run check:crate ended with exit code 4/)
})

test('refused: a check that changes what is released', () => {
  setChecks(`(await import('node:fs')).appendFileSync('CHANGELOG.md', 'more')`)
  expectRefusal(['minor'], /the checks changed CHANGELOG\.md/)
})

test('refused: commits that arrive while the checks run', () => {
  const args = ['-C', repository, 'commit', '--quiet', '--allow-empty', '--message', 'Meanwhile']
  setChecks(`(await import('node:child_process')).execFileSync('git', ${JSON.stringify(args)})`)
  const { code, stderr } = release('minor')
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('got new commits') })
  expect(git('tag', '--list')).toBe('')
  expect(git('log', '-1', '--format=%s')).toBe('Meanwhile')
})

test('refused: a changed file, a new file', () => {
  write('Cargo.toml', `${read('Cargo.toml')}\n`)
  expectRefusal(['minor'], /the working tree has changes.*\n M Cargo\.toml/)
  git('checkout', '--', 'Cargo.toml')
  write('new.txt', '')
  expectRefusal(['minor', '--dry-run'], /\?\? new\.txt/)
})

test('refused: another branch, no branch', () => {
  git('checkout', '--quiet', '-b', 'topic')
  expectRefusal(['minor'], /releases are made from the branch main, this is topic/)
  git('checkout', '--quiet', '--detach')
  expectRefusal(['minor'], /this is a detached HEAD/)
  git('checkout', '--quiet', 'topic')
  expect(release('minor', '--dry-run', '--skip-checks', '--branch', 'topic').code).toBe(0)
})

test('refused: behind the upstream', () => {
  git('clone', '--quiet', '--bare', repository, join(folder, 'upstream.git'))
  git('remote', 'add', 'origin', join(folder, 'upstream.git'))
  commitAll()
  git('push', '--quiet', '--set-upstream', 'origin', 'main')
  git('reset', '--quiet', '--hard', 'HEAD^')
  expectRefusal(['minor'], /main is 1 commits? behind its upstream/)
})

test('refused: a tag that exists', () => {
  git('tag', 'v0.2.0')
  expectRefusal(['minor'], /the tag v0\.2\.0 exists already/)
  expect(release('patch', '--dry-run').code).toBe(0)
})

test('refused: nothing to say about the release', () => {
  write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n### Added\n')
  commitAll()
  expectRefusal(['minor'], /lists nothing under "## Unreleased"/)
})

test('refused: files that disagree about the version', () => {
  write('Cargo.toml', read('Cargo.toml').replace('version = "0.1.0"', 'version = "0.0.9"'))
  commitAll()
  expectRefusal(['minor'], /names 0\.0\.9, expected 0\.1\.0/)
})

test('refused: a commit hook that says no; the change is taken back', () => {
  const hook = join(repository, '.git', 'hooks', 'pre-commit')
  mkdirSync(dirname(hook), { recursive: true })
  writeFileSync(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const { code } = release('minor')
  expect({ code, status: git('status', '--porcelain'), tags: git('tag', '--list') }).toEqual({ code: 1, status: '', tags: '' })
})

test.each([
  [[]],
  [['minor', 'patch']],
  [['mayor']],
  [['0.1.0']],
  [['minor', '--force']],
  [['minor', '--skip-checks']],
])('refused: arguments %j', (args) => {
  expectRefusal(args, /usage:|neither major|is not above|--skip-checks is for --dry-run only/)
})
