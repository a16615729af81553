// Node 20 to 26, Bun and Deno.

import { join } from 'node:path'
import { ROOT } from '../../scripts/command.mjs'
import { example, json, must, NODE, npm, platformsIn, program, project, same, versionOf } from './installed.mjs'

const FOUND = { ids: [1, 0], code: 'ERR_NEARHASH_ARGUMENT' }

/**
 * @param {import('./run.mjs').Bench} bench
 * @param {{ quick: boolean }} options
 */
export async function tryRuntimes(bench, { quick }) {
  const { table } = bench
  if (quick) {
    await tryNode(bench, `Node ${process.versions.node}`, NODE)
    return
  }
  for (const major of [20, 22, 24, 26]) {
    const name = `node${major}`
    /** @type {string} */
    let node
    try {
      node = program(bench, name, 'bin', 'node')
    } catch (error) {
      await table.try('runtime', `Node ${major}`, () => {
        throw error
      })
      continue
    }
    await tryNode(bench, `Node ${versionOf(bench, name)}`, node)
  }
  await tryBun(bench)
  await tryDeno(bench)
}

/**
 * @param {import('./run.mjs').Bench} bench
 * @param {string} name
 * @param {string} node
 */
async function tryNode(bench, name, node) {
  const { table, native } = bench
  const folder = project(bench, name.replace(' ', '-'))
  const options = { node }
  await table.try('runtime', `${name}: npm install nearhash`, async () => {
    const start = performance.now()
    await npm(bench, folder, ['install', 'nearhash'], options)
    same(platformsIn(folder), [native])
    return `npm ${versionOf(bench, 'npm')}, no compiler on PATH, ${((performance.now() - start) / 1000).toFixed(1)} s`
  })
  await table.try('runtime', `${name}: ES module`, async () => `kernels: ${await example(bench, folder, [node, 'example.mjs'], options)}`)
  await table.try('runtime', `${name}: CommonJS`, async () => {
    same(await json(bench, folder, [node, 'require.cjs'], options), { ids: FOUND.ids, distance: 5, code: FOUND.code })
  })
  await table.try('runtime', `${name}: strict TypeScript`, async () => {
    const tsc = join(ROOT, 'node_modules', 'typescript')
    await must(bench, folder, [node, join(tsc, 'bin', 'tsc'), '-p', '.'], options)
    same(await json(bench, folder, [node, join('compiled', 'strict.mjs')], options), { ids: FOUND.ids, predicted: FOUND.ids, code: FOUND.code })
    same(await json(bench, folder, [node, join('compiled', 'strict-commonjs.cjs')], options), { ids: [0] })
    return 'module and CommonJS'
  })
  await table.try('runtime', `${name}: worker threads`, async () => {
    same(await json(bench, folder, [node, 'workers.mjs'], options), { workers: 4, same: true })
  })
}

/** @param {import('./run.mjs').Bench} bench */
async function tryBun(bench) {
  const { table, registry } = bench
  const folder = project(bench, 'bun', { 'bunfig.toml': `[install]\nregistry = "${registry.url}"\nminimumReleaseAge = 0\n` })
  const bun = () => program(bench, '@oven', 'bun-linux-x64', 'bin', 'bun')
  await table.try('runtime', 'Bun: bun add nearhash', async () => {
    await must(bench, folder, [bun(), 'add', 'nearhash'])
    same(platformsIn(folder), [bench.native])
    return `Bun ${versionOf(bench, '@oven/bun-linux-x64')}`
  })
  await table.try('runtime', 'Bun: ES module', async () => `kernels: ${await example(bench, folder, [bun(), 'example.mjs'])}`)
  await table.try('runtime', 'Bun: CommonJS', async () => {
    same(await json(bench, folder, [bun(), 'require.cjs']), { ids: FOUND.ids, distance: 5, code: FOUND.code })
  })
  await table.try('runtime', 'Bun: TypeScript', async () => {
    same(await json(bench, folder, [bun(), 'strict.mts']), { ids: FOUND.ids, predicted: FOUND.ids, code: FOUND.code })
  })
  await table.try('runtime', 'Bun: worker threads', async () => {
    same(await json(bench, folder, [bun(), 'workers.mjs']), { workers: 4, same: true })
  })
}

/** @param {import('./run.mjs').Bench} bench */
async function tryDeno(bench) {
  const { table } = bench
  const folder = project(bench, 'deno', { 'deno.json': JSON.stringify({ nodeModulesDir: 'auto', imports: {} }) })
  const deno = () => program(bench, '@deno', 'linux-x64-glibc', 'deno')
  await table.try('runtime', 'Deno: deno add npm:nearhash', async () => {
    await must(bench, folder, [deno(), 'add', '--minimum-dependency-age=0', 'npm:nearhash'])
    return `Deno ${versionOf(bench, '@deno/linux-x64-glibc')}, nodeModulesDir auto`
  })
  const run = ['run', '--allow-ffi', '--allow-env', '--allow-read', '--allow-sys']
  await table.try('runtime', 'Deno: ES module', async () => `kernels: ${await example(bench, folder, [deno(), ...run, 'example.mjs'])}`)
  await table.try('runtime', 'Deno: CommonJS', async () => {
    same(await json(bench, folder, [deno(), ...run, 'require.cjs']), { ids: FOUND.ids, distance: 5, code: FOUND.code })
  })
  await table.try('runtime', 'Deno: TypeScript', async () => {
    same(await json(bench, folder, [deno(), ...run, '--check', 'strict.mts']), { ids: FOUND.ids, predicted: FOUND.ids, code: FOUND.code })
  })
  await table.try('runtime', 'Deno: worker threads', async () => {
    same(await json(bench, folder, [deno(), ...run, 'workers.mjs']), { workers: 4, same: true })
  })
}
