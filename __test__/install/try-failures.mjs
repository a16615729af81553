// Every way in which the add-on can be missing, provoked by real installations, and what nearhash says then.

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, example, NODE, npm, platformsIn, project, same, versionOf } from './installed.mjs'

/** @typedef {import('./run.mjs').Bench} Bench */

/** @param {Bench} bench */
export async function tryFailures(bench) {
  const { table, native } = bench
  const here = native.replace('@nearhash/binding-', '')
  const elsewhere = here.startsWith('darwin') ? ['linux', 'x64'] : ['darwin', 'arm64']

  await table.try('load error', 'installed with --omit=optional', async () => {
    const folder = project(bench, 'omit-optional')
    await npm(bench, folder, ['install', 'nearhash', '--omit=optional'])
    await expectError(bench, folder, [native, '--omit=optional', 'npm install --include=optional'])
    await npm(bench, folder, ['install', '--include=optional'])
    await example(bench, folder, [NODE, 'example.mjs'])
    return 'named, and its fix works'
  })

  await table.try('load error', 'lockfile made on another platform', async () => {
    const folder = project(bench, 'foreign-lockfile')
    const there = [`--os=${elsewhere[0]}`, `--cpu=${elsewhere[1]}`]
    const file = join(folder, 'package-lock.json')
    // npm writes a lockfile for one platform when it makes it from a node_modules that is already there.
    await npm(bench, folder, ['install', 'nearhash', ...there], { tool: 'npm10' })
    rmSync(file)
    await npm(bench, folder, ['install', ...there], { tool: 'npm10' })
    const { packages } = JSON.parse(readFileSync(file, 'utf8'))
    if (packages[`node_modules/${native}`] !== undefined) throw new Error('the lockfile has all platforms')
    rmSync(join(folder, 'node_modules'), { recursive: true })
    // A newer npm sees what is wrong with it and refuses; the one that comes with Node 20 and 22 obeys it.
    const refusal = await npm(bench, folder, ['ci']).catch((error) => error)
    if (!(refusal instanceof Error)) throw new Error('npm 11 obeys it')
    await npm(bench, folder, ['ci'], { tool: 'npm10' })
    await expectError(bench, folder, [native, 'package-lock.json has no entry', 'delete node_modules and package-lock.json'])
    rmSync(join(folder, 'node_modules'), { recursive: true })
    rmSync(file)
    await npm(bench, folder, ['install'], { tool: 'npm10' })
    await example(bench, folder, [NODE, 'example.mjs'])
    return `npm ${versionOf(bench, 'npm')} refuses it, npm ${versionOf(bench, 'npm10')} obeys it: named, and its fix works`
  })

  await table.try('load error', 'node_modules made on another platform', async () => {
    const folder = project(bench, 'foreign-modules')
    await npm(bench, folder, ['install', 'nearhash', `--os=${elsewhere[0]}`, `--cpu=${elsewhere[1]}`])
    await expectError(bench, folder, [native, 'made on another platform', `binding-${elsewhere.join('-')}`])
    return 'named'
  })

  if (here.startsWith('linux')) {
    await table.try('load error', 'installed with musl, run on glibc', async () => {
      const folder = project(bench, 'foreign-libc')
      await npm(bench, folder, ['install', 'nearhash', '--os=linux', `--cpu=${process.arch}`, '--libc=musl'])
      await expectError(bench, folder, [native, 'musl and glibc mixed', '--libc=glibc'])
      return 'named'
    })
  }

  await table.try('load error', 'the file of the add-on is missing or damaged', async () => {
    const folder = project(bench, 'damaged')
    await npm(bench, folder, ['install', 'nearhash'])
    const file = join(folder, 'node_modules', native, `nearhash.${here}.node`)
    writeFileSync(file, 'version https://git-lfs.github.com/spec/v1\n')
    await expectError(bench, folder, [native, 'the system refused to load it'])
    rmSync(file)
    await expectError(bench, folder, [native, `without its file nearhash.${here}.node`])
    return 'both named'
  })

  const folder = project(bench, 'pretended')
  await npm(bench, folder, ['install', 'nearhash'])
  for (const [platform, said] of /** @type {const} */ ([
    ['linux-x64-musl', ['@nearhash/binding-linux-x64-musl', 'linux, x64, musl']],
    ['linux-arm64-musl', ['@nearhash/binding-linux-arm64-musl', 'linux, arm64, musl']],
    ['linux-arm64-gnu', ['@nearhash/binding-linux-arm64-gnu', 'linux, arm64, glibc']],
    ['darwin-x64', ['@nearhash/binding-darwin-x64']],
    ['win32-arm64', ['@nearhash/binding-win32-arm64-msvc']],
    ['linux-riscv64-gnu', ['unsupported target', 'linux-x64-musl']],
    ['freebsd-x64', ['unsupported target', 'win32-x64-msvc']],
  ])) {
    await table.try('load error', `pretending to be ${platform}`, async () => {
      await expectError(bench, folder, said, { PRETEND_PLATFORM: platform })
      return said[0].startsWith('@') ? `asks for ${said[0]}` : 'named as unsupported'
    })
  }

  if (here.endsWith('-gnu')) {
    await table.try('load error', 'pretending to be musl with the musl package there', async () => {
      // The file is this machine's own under the other name: what is tested is the loader's choice.
      const chosen = project(bench, 'musl-choice')
      await npm(bench, chosen, ['install', 'nearhash'])
      const musl = native.replace('-gnu', '-musl')
      const place = join(chosen, 'node_modules', musl)
      cpSync(join(chosen, 'node_modules', native), place, { recursive: true })
      cpSync(join(place, `nearhash.${here}.node`), join(place, `nearhash.${here.replace('-gnu', '-musl')}.node`))
      const manifest = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
      writeFileSync(join(place, 'package.json'), JSON.stringify({ ...manifest, main: manifest.main.replace('-gnu', '-musl') }))
      rmSync(join(chosen, 'node_modules', native), { recursive: true })
      same(platformsIn(chosen), [musl])
      const env = { PRETEND_PLATFORM: `linux-${process.arch}-musl` }
      await example(bench, chosen, [NODE, '--require', './pretend.cjs', 'example.mjs'], { env })
      return `loads ${musl}`
    })
  }
}

/**
 * @param {Bench} bench
 * @param {string} folder
 * @param {readonly string[]} said what the error has to contain
 * @param {Record<string, string>} [env]
 */
async function expectError(bench, folder, said, env = {}) {
  const preload = env['PRETEND_PLATFORM'] === undefined ? [] : ['--require', './pretend.cjs']
  const { ok, output } = await attempt(bench, folder, [NODE, ...preload, 'example.mjs'], { env })
  if (ok) throw new Error('it ran, where it should have said what is missing')
  const missing = ['ERR_NEARHASH_LOAD', 'Fix: ', ...said].filter((text) => !output.includes(text))
  if (missing.length > 0) throw new Error(`the error doesn't say ${missing.map((text) => `"${text}"`).join(', ')}: ${output}`)
}
