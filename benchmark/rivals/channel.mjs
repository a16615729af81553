import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { engineWorker } from './installation.mjs'
import { Unavailable } from './unavailable.mjs'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** What libraries take the number of their threads from. */
const THREAD_VARIABLES = ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'BLIS_NUM_THREADS', 'VECLIB_MAXIMUM_THREADS', 'NEARHASH_THREADS', 'RAYON_NUM_THREADS']

/** How much of what a worker wrote to stderr is kept to explain its end. */
const KEPT_CHARACTERS = 2000

/** Milliseconds that a worker has for its end. */
const PATIENCE = 5000

/** @typedef {{ seconds: number, cpuSeconds: number }} Elapsed */

/**
 * One rival in a process of its own. Requests are answered one after another: `open`, `build`, `answer`,
 * `time` and `drop`, each a JSON object on a line with its number, as is each reply. A process of its own
 * keeps memory and thread settings of rivals apart, and the run alive when one of them crashes.
 */
export class Channel {
  #child
  #ended
  #stderr = ''
  #next = 1
  /** @type {Map<number, { resolve: (reply: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map()

  /**
   * @param {import('./rival.mjs').Rival} rival
   * @param {{ threads: number, python?: string, signal?: AbortSignal }} options threads of native libraries; the Python to run workers with
   */
  constructor({ runtime, adapter, environment }, { threads, python, signal }) {
    const [command, args] = {
      node: /** @type {const} */ ([process.execPath, ['--expose-gc', `${FOLDER}worker.mjs`, `./${adapter}`]]),
      python: /** @type {const} */ ([python ?? 'python3', [`${FOLDER}worker.py`, adapter]]),
      rust: /** @type {const} */ ([engineWorker(adapter), []]),
    }[runtime]
    const threadSettings = Object.fromEntries(THREAD_VARIABLES.map((name) => [name, String(threads)]))
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...threadSettings, PYTHONDONTWRITEBYTECODE: '1', ...environment } })
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = `${this.#stderr}${text}`.slice(-KEPT_CHARACTERS)
    })
    // A worker that ended can't be written to; its end is reported below.
    this.#child.stdin.on('error', () => {})
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#receive(line))
    const stop = () => this.#child.kill('SIGKILL')
    signal?.addEventListener('abort', stop)
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#fail(new Unavailable(`${command}: ${error.message}`)))
      this.#child.on('close', (code, by) => {
        signal?.removeEventListener('abort', stop)
        const [lastLine] = this.#stderr.trim().split('\n').slice(-1)
        this.#fail(new Error(`its process ended (${by ?? `exit code ${code}`})${lastLine ? `: ${lastLine}` : ''}`))
        resolve(undefined)
      })
    })
  }

  /** @param {import('./rival.mjs').Material} material @returns {Promise<{ version: string, build: string }>} */
  open(material) {
    return this.#ask({ do: 'open', material })
  }

  /**
   * @param {import('./rival.mjs').Plan} plan
   * @returns {Promise<Elapsed & import('./rival.mjs').Footprint & { residentBytes: number }>}
   */
  build({ name, options }) {
    return this.#ask({ do: 'build', plan: name, options })
  }

  /**
   * Writes the answers to the first queries to a file: int32 row numbers, k a query, -1 where there are fewer.
   *
   * @param {{ plan: string, setting: import('./rival.mjs').Setting, k: number, count: number, out: string }} request
   * @returns {Promise<object>}
   */
  answer(request) {
    return this.#ask({ do: 'answer', ...request })
  }

  /**
   * @param {{ plan: string, setting: import('./rival.mjs').Setting, k: number, count: number, queries: number, warmUp: number, calls: 'single' | 'all' }} request
   * @returns {Promise<Elapsed>} of `count` calls that go round all queries after `warmUp` of them, or of one call for the first `count`
   */
  time(request) {
    return this.#ask({ do: 'time', ...request })
  }

  /** @param {string} plan @returns {Promise<object>} */
  drop(plan) {
    return this.#ask({ do: 'drop', plan })
  }

  /** Lets the process end, by force after a while, and waits until it is gone. */
  async close() {
    this.#child.stdin.end()
    const force = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE)
    await this.#ended
    clearTimeout(force)
  }

  /** @param {object} request @returns {Promise<any>} */
  #ask(request) {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        reject(new Error('its process has ended'))
        return
      }
      this.#waiting.set(id, { resolve, reject })
      this.#child.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
    })
  }

  /** @param {string} line */
  #receive(line) {
    // Some libraries print to stdout.
    if (!line.startsWith('{"id"')) return
    const { id, error, missing, ...reply } = JSON.parse(line)
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(reply)
    else waiting?.reject(missing ? new Unavailable(error) : new Error(error))
  }

  /** @param {Error} error */
  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
