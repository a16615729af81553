import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Channel } from '../rivals/channel.mjs'

/**
 * @typedef {import('../rivals/rival.mjs').Rival} Rival
 * @typedef {import('../rivals/rival.mjs').Plan} Plan
 * @typedef {import('./task.mjs').ComparisonTask} ComparisonTask
 */

/**
 * A rival whose worker stands ready.
 *
 * @typedef {object} Contestant
 * @property {Rival} rival
 * @property {Channel} channel
 * @property {{ version: string, build: string }} about
 * @property {Plan[]} plans
 */

/** @typedef {{ rival: string, name: string, plan?: string, set: string, reason: string }} Skipped */

/**
 * One build of an index.
 *
 * @typedef {object} BuildResult
 * @property {string} rival
 * @property {string} plan
 * @property {Readonly<Record<string, unknown>>} options
 * @property {number} threads
 * @property {number} seconds
 * @property {number} cpuSeconds
 * @property {number} bytes of the index, with its own copy of the rows
 * @property {number} rowBytes of these the rows'
 * @property {string} basis of bytes
 * @property {number} residentBytes by which the process grew
 */

/** The contestants of one set, their indexes, and why others are missing. Ends all workers when disposed of. */
export class Field {
  /** @type {Contestant[]} */
  contestants = []
  /** @type {BuildResult[]} */
  builds = []
  /** @type {Skipped[]} */
  skipped = []
  #task
  #options

  /**
   * @param {ComparisonTask} task
   * @param {{ threads: number, folder: string, quick: boolean, python?: string, redis?: string, signal?: AbortSignal }} options
   */
  constructor(task, options) {
    this.#task = task
    this.#options = options
  }

  /**
   * Starts a rival's worker and builds its indexes, one after another; rivals that can't are noted down.
   *
   * @param {Rival} rival
   * @param {{ only?: readonly string[], onBuild?: (plan: Plan) => void }} [options] names of the plans to build, if not all
   */
  async enter(rival, { only, onBuild } = {}) {
    const { rows, dim, metric, files, type } = this.#task
    const { threads, folder, quick, python, redis, signal } = this.#options
    const plans = rival.plans({ rows, dim, metric, quick, integers: type === 'uint8' }).filter(({ name }) => only?.includes(name) ?? true)
    if (plans.length === 0) {
      this.#skip(rival, 'it has no plan for such points')
      return
    }
    if (rival.runtime === 'python' && python === undefined) {
      this.#skip(rival, 'no Python environment (--install-python makes one)')
      return
    }
    const scratch = join(folder, `scratch-${rival.id}`)
    await mkdir(scratch, { recursive: true })
    const channel = new Channel(rival, { threads, python, signal })
    /** @type {Contestant} */
    let contestant
    try {
      const about = await channel.open({ ...files, threads, scratch, ...(redis === undefined ? {} : { redis }) })
      contestant = { rival, channel, about, plans: [] }
    } catch (error) {
      await channel.close()
      signal?.throwIfAborted()
      this.#skip(rival, reasonOf(error))
      return
    }
    this.contestants.push(contestant)
    for (const plan of plans) {
      signal?.throwIfAborted()
      onBuild?.(plan)
      try {
        const built = await channel.build(plan)
        this.builds.push({ rival: rival.id, plan: plan.name, options: plan.options, threads, ...built })
        contestant.plans.push(plan)
      } catch (error) {
        this.drop(contestant, plan, error)
      }
    }
  }

  /**
   * Takes an index out of the run because a request failed.
   *
   * @param {Contestant} contestant
   * @param {Plan} plan
   * @param {unknown} error
   */
  drop(contestant, plan, error) {
    this.#options.signal?.throwIfAborted()
    contestant.plans = contestant.plans.filter((one) => one !== plan)
    this.#skip(contestant.rival, reasonOf(error), plan)
  }

  /** @param {Rival} rival @param {string} reason @param {Plan} [plan] */
  #skip({ id, name }, reason, plan) {
    this.skipped.push({ rival: id, name, set: this.#task.name, reason, ...(plan ? { plan: plan.name } : {}) })
  }

  /** Ends every worker. */
  async close() {
    await Promise.all(this.contestants.map(({ channel }) => channel.close()))
    this.contestants = []
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  return error instanceof Error ? error.message : String(error)
}
