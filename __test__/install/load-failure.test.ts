import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stagePackages, type Staged } from '../../scripts/packages.mjs'

let folder: string
let staged: Staged[]
let native: Staged
let count = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nearhash-loading-'))
  staged = await stagePackages(join(folder, 'npm'))
  native = staged.find(({ binary, complete }) => binary !== undefined && complete)!
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A project in which the root package is installed, and of the platform packages those that are named. */
function project(...platforms: string[]): string {
  const place = join(folder, `project-${count++}`)
  const modules = join(place, 'node_modules')
  mkdirSync(modules, { recursive: true })
  cpSync(staged.at(-1)!.folder, join(modules, 'nearhash'), { recursive: true })
  for (const platform of platforms) {
    const one = staged.find(({ name }) => name === `@nearhash/binding-${platform}`)!
    cpSync(one.folder, join(modules, one.name), { recursive: true })
  }
  writeFileSync(
    join(place, 'main.mjs'),
    `import('nearhash').then(
  ({ runtime }) => console.log(JSON.stringify({ cpu: runtime().cpu })),
  ({ name, code, message, received, allowed, cause }) =>
    console.log(JSON.stringify({ name, code, message, received, allowed, cause: cause instanceof Error })),
)
`,
  )
  copyFileSync(join(import.meta.dirname, 'project', 'pretend.cjs'), join(place, 'pretend.cjs'))
  return place
}

interface Answer {
  cpu?: string
  name?: string
  code?: string
  message?: string
  received?: string
  allowed?: string
  cause?: boolean
}

function load(place: string, pretend?: string): Answer {
  const preload = pretend === undefined ? [] : ['--require', './pretend.cjs']
  const { stdout, stderr } = spawnSync(process.execPath, [...preload, 'main.mjs'], {
    cwd: place,
    encoding: 'utf8',
    env: { ...process.env, PRETEND_PLATFORM: pretend ?? '', NODE_OPTIONS: '' },
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

const here = () => native.name.replace('@nearhash/binding-', '')

test('the platform package is found and loaded', () => {
  expect(load(project(here())).cpu).toBeTypeOf('string')
})

test('without any platform package both likely causes and the fix are named', () => {
  const answer = load(project())
  expect(answer).toMatchObject({ name: 'NearhashError', code: 'ERR_NEARHASH_LOAD', received: here(), cause: true })
  expect(answer.allowed!.split(', ')).toHaveLength(8)
  expect(answer.message).toContain(`Package expected: ${native.name}.`)
  expect(answer.message).toMatch(/--omit=optional.*lockfile was made on another platform/)
  expect(answer.message).toMatch(/Fix: delete node_modules and the lockfile/)
})

describe('with a lockfile of npm', () => {
  const lockfile = (place: string, ...names: string[]) =>
    writeFileSync(
      join(place, 'package-lock.json'),
      JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(names.map((name) => [`node_modules/${name}`, {}])) }),
    )

  test('that lists the package, it was left out', () => {
    const place = project()
    lockfile(place, 'nearhash', native.name)
    expect(load(place).message).toMatch(/--omit=optional.*npm install --include=optional/)
  })

  test('that does not, the lockfile is from elsewhere', () => {
    const place = project()
    lockfile(place, 'nearhash', '@nearhash/binding-aix-ppc64')
    expect(load(place).message).toMatch(/package-lock\.json has no entry.*delete node_modules and package-lock\.json/)
  })

  test('that is damaged, the error is still explained', () => {
    const place = project()
    writeFileSync(join(place, 'package-lock.json'), '{')
    expect(load(place)).toMatchObject({ code: 'ERR_NEARHASH_LOAD' })
  })
})

test('a package of another platform tells of a copied node_modules', () => {
  const other = here().startsWith('darwin') ? 'linux-x64-gnu' : 'darwin-arm64'
  expect(load(project(other)).message).toContain(`made on another platform (@nearhash/binding-${other} is installed)`)
})

test('a file that is no library is told from one that is missing', () => {
  const place = project(here())
  const file = join(place, 'node_modules', native.name, native.binary!)
  writeFileSync(file, 'version https://git-lfs.github.com/spec/v1\n')
  expect(load(place).message).toContain('the system refused to load it')
  rmSync(file)
  expect(load(place).message).toContain(`without its file ${native.binary}`)
})

test('code taken into a bundle says that nearhash has to be external', () => {
  const place = project(here())
  cpSync(join(place, 'node_modules', 'nearhash', 'dist'), join(place, 'bundle'), { recursive: true })
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }))
  writeFileSync(join(place, 'main.mjs'), `import('./bundle/index.js').catch(({ code, message }) => console.log(JSON.stringify({ code, message })))\n`)
  const { code, message } = load(place)
  expect(code).toBe('ERR_NEARHASH_LOAD')
  expect(message).toContain('mark "nearhash" as external')
})

test('a clone without the add-on is sent to npm run build', () => {
  const place = project()
  const manifest = join(place, 'node_modules', 'nearhash', 'package.json')
  writeFileSync(manifest, JSON.stringify({ name: 'nearhash', version: '0.0.0', type: 'module', exports: './dist/index.js', imports: { '#binding': './bindings/binding.cjs' } }))
  expect(load(place).message).toContain('run "npm run build"')
})

describe.runIf(process.platform === 'linux')('pretending to be', () => {
  test.each([
    ['linux-x64-gnu', '@nearhash/binding-linux-x64-gnu'],
    ['linux-arm64-gnu', '@nearhash/binding-linux-arm64-gnu'],
    ['linux-x64-musl', '@nearhash/binding-linux-x64-musl'],
    ['linux-arm64-musl', '@nearhash/binding-linux-arm64-musl'],
    ['darwin-x64', '@nearhash/binding-darwin-x64'],
    ['darwin-arm64', '@nearhash/binding-darwin-arm64'],
    ['win32-x64', '@nearhash/binding-win32-x64-msvc'],
    ['win32-arm64', '@nearhash/binding-win32-arm64-msvc'],
  ])('%s asks for %s', (platform, name) => {
    expect(load(project(), platform).message).toContain(`Package expected: ${name}.`)
  })

  test.each(['linux-ia32-gnu', 'linux-riscv64-gnu', 'linux-riscv64-musl', 'win32-ia32', 'freebsd-x64', 'aix-ppc64'])(
    '%s is an unsupported target',
    (platform) => {
      const { code, message } = load(project(), platform)
      expect(code).toBe('ERR_NEARHASH_LOAD')
      expect(message).toMatch(/unsupported target; there are packages for darwin-arm64, .*win32-x64-msvc/)
    },
  )

  test('musl with the glibc package installed is a mix', () => {
    const { message } = load(project('linux-x64-gnu'), 'linux-x64-musl')
    expect(message).toMatch(/Package expected: @nearhash\/binding-linux-x64-musl\. Likely cause: musl and glibc mixed/)
    expect(message).toContain('--libc=musl')
  })

  test('glibc with the musl package installed is a mix', () => {
    const { message } = load(project('linux-x64-musl'), 'linux-x64-gnu')
    expect(message).toMatch(/Package expected: @nearhash\/binding-linux-x64-gnu\. Likely cause: musl and glibc mixed/)
  })
})
