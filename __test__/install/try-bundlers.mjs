// esbuild and webpack, with nearhash external as its documentation says, and what is said without.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, example, must, NODE, npm, program, project, versionOf } from './installed.mjs'

/** @param {import('./run.mjs').Bench} bench */
export async function tryBundlers(bench) {
  const { table } = bench
  const folder = project(bench, 'bundlers')
  await npm(bench, folder, ['install', 'nearhash'])

  const esbuild = async (/** @type {string} */ out, /** @type {string[]} */ ...more) => {
    const file = program(bench, 'esbuild', 'bin', 'esbuild')
    await must(bench, folder, [NODE, file, 'example.mjs', '--bundle', '--platform=node', `--outfile=${out}`, ...more])
    return join(folder, out)
  }
  const webpack = async (/** @type {string} */ out, /** @type {boolean} */ external) => {
    program(bench, 'webpack', 'package.json')
    writeFileSync(join(folder, `webpack-${external}.cjs`), webpackScript(join(bench.tools, 'webpack'), out, external))
    await must(bench, folder, [NODE, `webpack-${external}.cjs`])
    return join(folder, out)
  }

  await table.try('bundler', 'esbuild to an ES module, nearhash external', async () => {
    const bundle = await esbuild('esbuild-external.mjs', '--format=esm', '--external:nearhash')
    return `${versionOf(bench, 'esbuild')}; kernels: ${await example(bench, folder, [NODE, bundle])}`
  })
  await table.try('bundler', 'webpack to an ES module, nearhash external', async () => {
    const bundle = await webpack('webpack-external.mjs', true)
    return `${versionOf(bench, 'webpack')}; kernels: ${await example(bench, folder, [NODE, bundle])}`
  })
  await table.try('bundler', 'esbuild, nearhash not external', async () => {
    return explained(bench, folder, await esbuild('esbuild-inlined.mjs', '--format=esm'))
  })
  await table.try('bundler', 'webpack, nearhash not external', async () => {
    // It follows the loader to the add-on, which it can't read.
    const refusal = await webpack('webpack-inlined.mjs', false).catch((error) => String(error))
    if (!refusal.includes('.node')) throw new Error(`webpack took it in: ${refusal}`)
    return 'as documented: webpack stops at the .node file; mark it as external'
  })
}

/**
 * @param {import('./run.mjs').Bench} bench
 * @param {string} folder
 * @param {string} bundle
 */
async function explained(bench, folder, bundle) {
  if (!existsSync(bundle)) throw new Error('no bundle was written')
  const { ok, output } = await attempt(bench, folder, [NODE, bundle])
  if (ok || !output.includes('ERR_NEARHASH_LOAD') || !output.includes('mark "nearhash" as external')) {
    throw new Error(`the error doesn't name the remedy: ${output}`)
  }
  return 'as documented: the error says to mark it as external'
}

/**
 * @param {string} webpack its folder
 * @param {string} out
 * @param {boolean} external
 */
function webpackScript(webpack, out, external) {
  const configuration = {
    mode: 'production',
    target: 'node20',
    entry: './example.mjs',
    experiments: { outputModule: true },
    output: { path: '@cwd', filename: out, module: true, chunkFormat: 'module', library: { type: 'module' } },
    ...(external && { externals: { nearhash: 'module nearhash' } }),
  }
  return `const webpack = require(${JSON.stringify(webpack)})
const configuration = ${JSON.stringify(configuration).replace('"@cwd"', '__dirname')}
webpack({ context: __dirname, ...configuration }, (error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString())
    process.exit(1)
  }
})
`
}
