// A temporary folder in which everything of the installation test happens, and the processes that run in it. Both are
// gone when the test ends, however it ends.

import { spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** What builds native code; none of it may be found. */
const COMPILERS = ['cargo', 'rustc', 'gcc', 'g++', 'cc', 'clang', 'make', 'cmake', 'python3', 'node-gyp']

/**
 * How a command ended.
 *
 * @typedef {object} Outcome
 * @property {boolean} ok
 * @property {string} stdout
 * @property {string} output stdout and stderr
 */

export class Sandbox {
  /** The temporary folder. */
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'nearhash-install-')))
  /** @type {Set<import('node:child_process').ChildProcess>} */
  #children = new Set()
  #closed = false

  constructor() {
    for (const name of ['home', 'tmp', 'cache']) mkdirSync(join(this.folder, name))
  }

  /**
   * An empty folder.
   *
   * @param {string} name
   * @param {Record<string, string>} [files] what to write into it
   */
  project(name, files = {}) {
    const folder = join(this.folder, 'projects', name)
    mkdirSync(folder, { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
    return folder
  }

  /**
   * A PATH on which there is this Node and a shell and nothing else.
   *
   * @param {string} node
   */
  path(node) {
    const name = node.replace(/[^\w]+/g, '-')
    const folder = join(this.folder, 'path', name)
    if (mkdirSync(folder, { recursive: true }) !== undefined) {
      symlinkSync(node, join(folder, 'node'))
      symlinkSync('/bin/sh', join(folder, 'sh'))
    }
    const compiler = COMPILERS.find((command) => isOnPath(command, folder))
    if (compiler !== undefined) throw new Error(`${compiler} is on the test's PATH`)
    return folder
  }

  /**
   * The environment of a user who has only Node: nothing of this process's own.
   *
   * @param {string} node
   * @param {string} registry
   * @returns {Record<string, string>}
   */
  environment(node, registry) {
    return {
      PATH: this.path(node),
      HOME: join(this.folder, 'home'),
      TMPDIR: join(this.folder, 'tmp'),
      XDG_CACHE_HOME: join(this.folder, 'cache'),
      XDG_CONFIG_HOME: join(this.folder, 'home'),
      XDG_DATA_HOME: join(this.folder, 'home'),
      LANG: 'C.UTF-8',
      CI: 'true',
      NO_COLOR: '1',
      npm_config_cache: join(this.folder, 'cache', 'npm'),
      npm_config_registry: registry,
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      BUN_INSTALL_CACHE_DIR: join(this.folder, 'cache', 'bun'),
      DENO_DIR: join(this.folder, 'cache', 'deno'),
      DENO_NO_UPDATE_CHECK: '1',
      YARN_CACHE_FOLDER: join(this.folder, 'cache', 'yarn'),
      YARN_ENABLE_TELEMETRY: '0',
    }
  }

  /**
   * Start a process that the sandbox ends at the latest when it closes.
   *
   * @param {string} command
   * @param {readonly string[]} args
   * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
   */
  start(command, args, { cwd, env }) {
    if (this.#closed) throw new Error('the installation test was stopped')
    // A group of its own, so that it ends with all that it has started.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' })
    this.#children.add(child)
    child.on('close', () => this.#children.delete(child))
    return child
  }

  /**
   * Run a command to its end.
   *
   * @param {string} command
   * @param {readonly string[]} args
   * @param {{ cwd: string, env: NodeJS.ProcessEnv, minutes?: number }} options
   * @returns {Promise<Outcome>}
   */
  run(command, args, { cwd, env, minutes = 10 }) {
    return new Promise((resolve) => {
      const child = this.start(command, args, { cwd, env })
      let [stdout, output] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (text) => ((stdout += text), (output += text)))
      child.stderr.setEncoding('utf8').on('data', (text) => (output += text))
      const timer = setTimeout(() => {
        output += `\nstopped after ${minutes} minutes`
        end(child)
      }, minutes * 60_000)
      child.on('error', (error) => {
        clearTimeout(timer)
        this.#children.delete(child)
        resolve({ ok: false, stdout, output: `${output}${error.message}` })
      })
      child.on('close', (code) => {
        clearTimeout(timer)
        resolve({ ok: code === 0, stdout, output })
      })
    })
  }

  /** End every process and remove the folder. May be called again. */
  close() {
    this.#closed = true
    for (const child of this.#children) end(child)
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
}

/**
 * End a process and those it has started.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
function end(child) {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/**
 * @param {string} command
 * @param {string} path
 */
function isOnPath(command, path) {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
