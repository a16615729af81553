// npm test: bring the package up to date, then run every check, and say at the end what each one counted.
// node scripts/test.mjs <group>... runs some of them: rust, types, dts, node, engine.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run, runPackage, runScript, say, StepError } from './command.mjs'
import { bundleDeclarations, committedDeclarations } from './declarations.mjs'
import { RELEASES } from './engine-releases.mjs'
import { allPassed, describeFindings, testEngines } from './engine-tests.mjs'
import { BUILT, LOADER, prepare } from './prepare.mjs'
import { LICENCE_LIST, licenceList } from './release-licences.mjs'
import { describeCounts, runVitest } from './vitest.mjs'

/**
 * What a check has found.
 *
 * @typedef {object} Finding
 * @property {boolean} ok
 * @property {string} summary what was counted, for the closing table
 */

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {string} group
 * @property {() => Promise<Finding>} check
 */

const LOCKED = process.env['CI'] ? ['--locked'] : []

/** @type {readonly Check[]} */
const CHECKS = [
  {
    name: 'rustfmt',
    group: 'rust',
    check: () => quiet('cargo', ['fmt', '--all', '--', '--check']),
  },
  {
    name: 'clippy',
    group: 'rust',
    check: () => quiet('cargo', ['clippy', '--workspace', '--all-targets', '--all-features', ...LOCKED, '--', '-D', 'warnings']),
  },
  { name: 'cargo test', group: 'rust', check: cargoTest },
  {
    name: 'rustdoc',
    group: 'rust',
    check: () => quiet('cargo', ['doc', '--workspace', '--no-deps', ...LOCKED], { RUSTDOCFLAGS: '-D warnings' }),
  },
  { name: 'types of a consumer', group: 'types', check: () => tsc('__test__/types') },
  { name: 'types of tests', group: 'types', check: () => tsc('__test__') },
  { name: 'types of scripts', group: 'types', check: () => tsc('scripts') },
  { name: 'types of the installation test', group: 'types', check: () => tsc('__test__/install') },
  { name: 'types of benchmarks', group: 'types', check: () => tsc('benchmark') },
  { name: 'generated files', group: 'dts', check: generatedFiles },
  { name: 'vitest', group: 'node', check: vitest },
  { name: 'search engines', group: 'engine', check: engines },
]

await runScript(async () => {
  const groups = process.argv.slice(2)
  const known = [...new Set(CHECKS.map((check) => check.group))]
  const unknown = groups.find((group) => !known.includes(group))
  if (unknown !== undefined) throw new StepError(`no checks are called "${unknown}"; there are ${known.join(', ')}`)
  await prepare()

  /** @type {(Finding & { name: string, seconds: number })[]} */
  const findings = []
  for (const { name, group, check } of CHECKS) {
    if (groups.length > 0 && !groups.includes(group)) continue
    say(`check: ${name}`)
    const start = performance.now()
    const finding = await check()
    findings.push({ name, ...finding, seconds: (performance.now() - start) / 1000 })
  }

  const width = Math.max(...findings.map(({ name }) => name.length))
  const lines = findings.map(({ name, ok, summary, seconds }) => {
    return `  ${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${summary} (${seconds.toFixed(1)} s)`
  })
  const failed = findings.filter(({ ok }) => !ok)
  const verdict =
    failed.length === 0
      ? `all ${findings.length} checks passed`
      : `${failed.length} of ${findings.length} checks FAILED: ${failed.map(({ name }) => name).join(', ')}`
  process.stdout.write(`\n${lines.join('\n')}\n\n${verdict}\n`)
  return failed.length === 0 ? 0 : 1
})

/**
 * A command that counts nothing; its output matters when it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Promise<Finding>}
 */
async function quiet(command, args, env = {}) {
  const { ok, output, code } = await run(command, args, { env })
  if (!ok) process.stdout.write(output)
  return { ok, summary: ok ? 'no complaint' : `exit code ${code}, output above` }
}

/** @returns {Promise<Finding>} */
async function cargoTest() {
  const { ok, output } = await run('cargo', ['test', '--workspace', ...LOCKED], { output: 'show' })
  const results = [...output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm)]
  /** @param {number} group */
  const sum = (group) => results.reduce((total, result) => total + Number(result[group]), 0)
  const [passed, failed, ignored] = [sum(1), sum(2), sum(3)]
  return {
    ok: ok && failed === 0 && passed > 0,
    summary: `${passed} passed, ${failed} failed, ${ignored} ignored, in ${results.length} runs`,
  }
}

/**
 * @param {string} project folder of a tsconfig.json
 * @returns {Promise<Finding>}
 */
async function tsc(project) {
  const { ok, output } = await runPackage('typescript/bin/tsc', ['--noEmit', '--listFilesOnly', '-p', project])
  const files = ok ? output.split(/\r?\n/).filter((file) => file !== '' && !file.includes('node_modules')).length : 0
  const checked = await runPackage('typescript/bin/tsc', ['--noEmit', '-p', project])
  if (!checked.ok) process.stdout.write(checked.output)
  return {
    ok: checked.ok && files > 0,
    summary: checked.ok ? `no complaint in ${files} files` : 'complaints above',
  }
}

/** @returns {Promise<Finding>} */
async function generatedFiles() {
  const fresh = await bundleDeclarations()
  const committed = committedDeclarations()
  for (const file of LOADER) {
    fresh.set(`bindings/${file}`, readFileSync(join(ROOT, BUILT, file), 'utf8'))
    committed.set(`bindings/${file}`, readFileSync(join(ROOT, 'bindings', file), 'utf8'))
  }
  fresh.set(LICENCE_LIST, await licenceList())
  const list = join(ROOT, LICENCE_LIST)
  committed.set(LICENCE_LIST, existsSync(list) ? readFileSync(list, 'utf8') : '')
  const stale = [...fresh.keys()].filter((file) => fresh.get(file) !== committed.get(file))
  if (stale.length > 0) say(`not as generated: ${stale.join(', ')}. Run "npm run build" and commit the result.`)
  return { ok: stale.length === 0, summary: `${fresh.size - stale.length} of ${fresh.size} as generated` }
}

/** @returns {Promise<Finding>} */
async function vitest() {
  const counts = await runVitest()
  return { ok: counts.ok, summary: describeCounts(counts) }
}

/**
 * The older major versions whole, the newer ones without their longest file: all of everything is
 * `npm run test:engine`.
 *
 * @returns {Promise<Finding>}
 */
async function engines() {
  const newer = RELEASES.filter((release, i) => RELEASES.findIndex(({ flavour }) => flavour === release.flavour) !== i)
  const findings = await testEngines({ clusters: RELEASES.slice(0, 1), briefly: (release) => newer.includes(release) })
  return { ok: allPassed(findings), summary: describeFindings(findings) }
}
