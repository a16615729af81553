import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder, without a slash at the end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')

/** A failure that one line explains; no stack trace is wanted. */
export class StepError extends Error {
  /** @override */
  name = 'StepError'
}

/**
 * How a command ended.
 *
 * @typedef {object} Outcome
 * @property {boolean} ok it ended by itself with code 0
 * @property {string} output what it wrote to stdout and stderr; empty with `output: 'inherit'`
 * @property {string} stdout what it wrote to stdout alone
 * @property {number} code exit code, 1 when a signal ended it or it couldn't be started
 * @property {boolean} missing there is no such command
 */

/**
 * Run a command, in the repository's folder unless told otherwise.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd] folder to run it in; default: the repository's
 * @param {'keep' | 'show' | 'inherit'} [options.output] keep it, keep and also show it, or give the command this
 *   process's own stdin, stdout and stderr; default: keep
 * @param {Record<string, string>} [options.env] added to the environment
 * @returns {Promise<Outcome>}
 */
export function run(command, args, { cwd = ROOT, output = 'keep', env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    })
    // A command that has the terminal gets Ctrl-C from it and ends in its own way; this process waits for that.
    const ignore = () => {}
    const forward = () => child.kill('SIGTERM')
    if (output === 'inherit') process.on('SIGINT', ignore).on('SIGTERM', forward)
    /** @type {Buffer[]} */
    const chunks = []
    /** @type {Buffer[]} */
    const stdout = []
    child.stdout?.on('data', (chunk) => {
      chunks.push(chunk)
      stdout.push(chunk)
      if (output === 'show') process.stdout.write(chunk)
    })
    child.stderr?.on('data', (chunk) => {
      chunks.push(chunk)
      if (output === 'show') process.stderr.write(chunk)
    })
    child.on('error', (error) => {
      const missing = /** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT'
      resolve({ ok: false, output: error.message, stdout: '', code: 1, missing })
    })
    child.on('close', (code) => {
      process.off('SIGINT', ignore).off('SIGTERM', forward)
      const [output, own] = [chunks, stdout].map((part) => Buffer.concat(part).toString())
      resolve({ ok: code === 0, output: output ?? '', stdout: own ?? '', code: code ?? 1, missing: false })
    })
  })
}

/**
 * Run a JavaScript file of an installed package with this Node.
 *
 * @param {string} file path inside node_modules
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runPackage(file, args, options) {
  return run(process.execPath, [join(ROOT, 'node_modules', file), ...args], options)
}

/**
 * Run npm: the one that runs this script, or else the one beside this Node.
 *
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runNpm(args, options) {
  const cli = process.env['npm_execpath']
  if (cli !== undefined && /\.[cm]?js$/.test(cli)) return run(process.execPath, [cli, ...args], options)
  return process.platform === 'win32' ? run('cmd', ['/c', 'npm', ...args], options) : run('npm', args, options)
}

/**
 * Say what is being done. To stderr: stdout belongs to the command that was asked for.
 *
 * @param {string} text
 */
export function say(text) {
  process.stderr.write(`nearhash: ${text}\n`)
}

/**
 * Run a script to its end; a StepError is one line, anything else a defect with its stack.
 *
 * @param {() => Promise<number | void>} main may return an exit code
 */
export async function runScript(main) {
  try {
    process.exitCode = (await main()) ?? 0
  } catch (error) {
    if (error instanceof StepError) say(error.message)
    else console.error(error)
    process.exitCode = 1
  }
}
