// npm run test:install [-- --quick] [--json <file>] [--binaries <folder>]: publish the packages to a registry on this
// machine and install them as users do. A table of everything tried at the end, also as JSON. Nothing is left behind.
// --quick: packages, this Node and the load errors. --binaries: a folder with the add-ons, instead of the one built here.

import { appendFileSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, runNpm, runScript, say, StepError } from '../../scripts/command.mjs'
import { stagePackages } from '../../scripts/packages.mjs'
import { prepare } from '../../scripts/prepare.mjs'
import { startRegistry } from './registry.mjs'
import { Sandbox } from './sandbox.mjs'
import { Table } from './table.mjs'
import { tryBundlers } from './try-bundlers.mjs'
import { tryFailures } from './try-failures.mjs'
import { tryManagers } from './try-managers.mjs'
import { tryPackages } from './try-packages.mjs'
import { tryProcessors } from './try-processors.mjs'
import { tryRuntimes } from './try-runtimes.mjs'

/**
 * What every part of the test works with.
 *
 * @typedef {object} Bench
 * @property {Sandbox} sandbox
 * @property {Table} table
 * @property {import('./registry.mjs').Registry} registry
 * @property {string} tools node_modules of the tools
 * @property {string} version of nearhash
 * @property {import('../../scripts/packages.mjs').Staged[]} staged
 * @property {string} native name of this machine's platform package
 * @property {string} [digest] of the example's answers, which are the same everywhere
 */

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' }, binaries: { type: 'string' } } })

await runScript(async () => {
  await prepare(undefined, { addon: values.binaries === undefined })
  const sandbox = new Sandbox()
  const table = new Table()
  const leave = (/** @type {NodeJS.Signals} */ signal) => {
    sandbox.close()
    say(`stopped by ${signal}; the registry has ended and the temporary folder is gone`)
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  process.on('SIGINT', leave).on('SIGTERM', leave).on('SIGHUP', leave)
  process.on('exit', () => sandbox.close())
  try {
    const tools = await installTools(sandbox)
    say('staging the packages')
    const staged = await stagePackages(join(sandbox.folder, 'npm'), values.binaries === undefined ? {} : { binaries: resolve(values.binaries) })
    const native = staged.find(({ binary, complete }) => binary !== undefined && complete && isForThisMachine(binary))
    if (native === undefined) throw new StepError('there is no add-on for this machine')
    const version = native.version
    say('starting the local registry')
    const registry = await startRegistry(sandbox, tools)
    /** @type {Bench} */
    const bench = { sandbox, table, registry, tools, version, staged, native: native.name }
    await tryPackages(bench)
    await tryRuntimes(bench, { quick: values.quick ?? false })
    await tryFailures(bench)
    if (!values.quick) {
      await tryManagers(bench)
      await tryBundlers(bench)
      await tryProcessors(bench)
    }
  } finally {
    sandbox.close()
  }
  const machine = `${process.platform} ${process.arch}, ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`
  if (values.json !== undefined) writeFileSync(resolve(values.json), `${JSON.stringify({ machine, rows: table.rows }, null, 2)}\n`)
  process.stdout.write(`\n${table}\n\n${machine}\n${table.verdict()}\n`)
  return table.failed() ? 1 : 0
})

/** @param {string} binary */
function isForThisMachine(binary) {
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
  const libc = process.platform === 'linux' ? (header.glibcVersionRuntime === undefined ? '-musl' : '-gnu') : ''
  return binary.includes(`.${process.platform}-${process.arch}${libc}`)
}

/**
 * The registry's and runtimes' programs, from the npm registry that this machine uses.
 *
 * @param {Sandbox} sandbox
 */
async function installTools(sandbox) {
  const folder = sandbox.project('tools')
  const from = join(ROOT, '__test__', 'install', 'tools')
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(from, file), join(folder, file))
  // The user's settings name the registry, and may name a proxy.
  if (existsSync(join(ROOT, '.npmrc'))) appendFileSync(join(folder, '.npmrc'), readFileSync(join(ROOT, '.npmrc')))
  say(`installing the tools of the test${values.quick ? '' : ' (four Nodes, Bun, Deno, package managers, bundlers: 1.2 GB, removed at the end)'}`)
  const { ok, output } = await runNpm([
    ...['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'],
    ...(values.quick ? ['--omit=optional'] : []),
  ])
  if (!ok) {
    const offline = /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ENOTCACHED|ECONNRESET/.test(output)
    throw new StepError(
      offline
        ? 'the npm registry can\'t be reached: the installation test needs it once, for the local registry, the runtimes and the package managers that it tries. Nothing was tried.'
        : `the tools of the installation test could not be installed:\n${output}`,
    )
  }
  return join(folder, 'node_modules')
}
