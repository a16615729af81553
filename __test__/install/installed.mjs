// What all attempts share: projects with nearhash in them, and the programs that are run there.

import { copyFileSync, readFileSync, readdirSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../scripts/command.mjs'
import { NotTried } from './table.mjs'

/** @typedef {import('./run.mjs').Bench} Bench */

const PROGRAMS = join(ROOT, '__test__', 'install', 'project')

/** The Node that runs the test, where no other is asked for. */
export const NODE = process.execPath

/**
 * An empty project with the programs that use nearhash.
 *
 * @param {Bench} bench
 * @param {string} name
 * @param {Record<string, string>} [files]
 */
export function project({ sandbox, registry }, name, files = {}) {
  const manifest = JSON.stringify({ name: 'consumer', version: '1.0.0', private: true })
  const folder = sandbox.project(name, { 'package.json': manifest, '.npmrc': `registry=${registry.url}\n`, ...files })
  for (const file of readdirSync(PROGRAMS)) copyFileSync(join(PROGRAMS, file), join(folder, file))
  return folder
}

/**
 * Run a command as a user would who has only this Node.
 *
 * @param {Bench} bench
 * @param {string} folder
 * @param {readonly string[]} command
 * @param {{ node?: string, env?: Record<string, string> }} [options]
 */
export function attempt({ sandbox, registry }, folder, [command = '', ...args], { node = NODE, env = {} } = {}) {
  return sandbox.run(command, args, { cwd: folder, env: { ...sandbox.environment(node, registry.url), ...env } })
}

/**
 * The same, and it has to end well.
 *
 * @param {Parameters<typeof attempt>} args
 */
export async function must(...args) {
  const outcome = await attempt(...args)
  if (!outcome.ok) throw new Error(`${args[2].map(short).join(' ')}: ${lastLines(outcome.output)}`)
  return outcome
}

/**
 * npm, in a version that the tools pin.
 *
 * @param {Bench} bench
 * @param {string} folder
 * @param {readonly string[]} args
 * @param {{ node?: string, tool?: 'npm' | 'npm10' }} [options]
 */
export function npm(bench, folder, args, { node = NODE, tool = 'npm' } = {}) {
  return must(bench, folder, [node, join(bench.tools, tool, 'bin', 'npm-cli.js'), ...args], { node })
}

/**
 * Run the README's example: its answers have to be good, and the same as those of everything that ran before.
 *
 * @param {Bench} bench
 * @param {string} folder
 * @param {readonly string[]} command
 * @param {Parameters<typeof attempt>[3]} [options]
 * @returns {Promise<string>} the instruction set in use
 */
export async function example(bench, folder, command, options) {
  const { cpu, nearest, recall, digest } = await json(bench, folder, command, options)
  if (nearest[0] !== 0 || !(recall > 0.8)) throw new Error(`bad answers: ${JSON.stringify({ nearest, recall })}`)
  bench.digest ??= digest
  if (digest !== bench.digest) throw new Error(`digest ${digest} of the answers, where others had ${bench.digest}`)
  return cpu
}

/**
 * The last line of a program's output, as JSON.
 *
 * @param {Bench} bench
 * @param {string} folder
 * @param {readonly string[]} command
 * @param {Parameters<typeof attempt>[3]} [options]
 * @returns {Promise<any>}
 */
export async function json(bench, folder, command, options) {
  const { stdout } = await must(bench, folder, command, options)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

/**
 * @param {unknown} actual
 * @param {unknown} expected
 */
export function same(actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`got ${a}, expected ${b}`)
}

/**
 * Platform packages in a project.
 *
 * @param {string} folder
 */
export function platformsIn(folder) {
  const scope = join(folder, 'node_modules', '@nearhash')
  return existsSync(scope) ? readdirSync(scope).sort().map((name) => `@nearhash/${name}`) : []
}

/**
 * Version of a tool.
 *
 * @param {Bench} bench
 * @param {string} name
 */
export function versionOf({ tools }, name) {
  const file = join(tools, name, 'package.json')
  if (!existsSync(file)) throw new NotTried(`${name} has no package for this machine`)
  return /** @type {string} */ (JSON.parse(readFileSync(file, 'utf8')).version)
}

/**
 * A program of a tool's package; where it isn't there the attempt is not made.
 *
 * @param {Bench} bench
 * @param {...string} path
 */
export function program({ tools }, ...path) {
  const file = join(tools, ...path)
  if (!existsSync(file)) throw new NotTried(`${path[0]} has no package for this machine`)
  return file
}

/** @param {string} text */
export function lastLines(text) {
  return text.trim().split('\n').slice(-12).join('\n')
}

/** @param {string} word */
function short(word) {
  return word.split('/').at(-1) ?? word
}
