import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { summariseRecall } from '../measure/found-neighbours.mjs'
import { bestSettings } from '../measure/recall-curve.mjs'
import { summarise } from '../measure/timing.mjs'
import { Field } from './contestants.mjs'

/**
 * @typedef {import('./task.mjs').ComparisonTask} ComparisonTask
 * @typedef {import('../measure/found-neighbours.mjs').RecallSummary} RecallSummary
 * @typedef {import('../measure/timing.mjs').Timing} Timing
 * @typedef {import('../rivals/rival.mjs').Setting} Setting
 */

/**
 * Microseconds a query: by the clock on the wall, and in the CPU time of the process, which other
 * programs on the machine disturb less.
 *
 * @typedef {{ wall: Timing, cpu: Timing }} QueryTime
 */

/**
 * One setting of one index, measured.
 *
 * @typedef {RecallSummary & {
 *   rival: string, plan: string, setting: Setting, k: number, threads: number, exact: boolean,
 *   single?: QueryTime, oneCall?: QueryTime
 * }} Measured
 */

/**
 * @typedef {object} SetResult
 * @property {string} name
 * @property {'euclidean' | 'cosine'} metric
 * @property {string} type
 * @property {number} rows
 * @property {number} dim
 * @property {number} judged queries that recall and single calls stand on
 * @property {import('./contestants.mjs').BuildResult[]} builds
 * @property {Measured[]} measured one thread
 * @property {import('./contestants.mjs').BuildResult[]} parallelBuilds
 * @property {Measured[]} parallelMeasured all threads, one call
 * @property {import('./contestants.mjs').Skipped[]} skipped
 */

/**
 * @typedef {object} Extent
 * @property {boolean} quick
 * @property {readonly number[]} depths values of k
 * @property {number} rounds
 * @property {number} passSeconds how long one setting is timed in a round, about
 * @property {number} threads of the second part; 1 leaves it out
 */

/**
 * @typedef {object} Surroundings
 * @property {readonly import('../rivals/rival.mjs').Rival[]} rivals
 * @property {string} folder for files that workers share
 * @property {string} [python]
 * @property {string} [redis]
 * @property {AbortSignal} [signal]
 * @property {(stage: string) => void} [onStep]
 */

/** Settings that find less are not worth timing. */
const LEAST_RECALL = 0.7
/** From here on a thorougher setting adds nothing but time. */
const ENOUGH_RECALL = 0.998
/** Recalls that batches on all threads are timed at. */
const BATCH_RECALLS = [0.95, 0.99]
const FEWEST_QUERIES = 50
/**
 * Part of a pass that is asked before the clock starts: the rivals took turns, so that caches are full of others'
 * data. As many queries for all would be as many milliseconds for the slow and next to nothing for the fast.
 */
const WARM_UP = 0.25
const TRIAL_QUERIES = 20

/**
 * Measures rivals on one set. First on one thread: all indexes are built, then every setting is timed in
 * rounds that go through the rivals in turns, forth and back, so that whatever slows the machine down for
 * a while meets them all. Then the best plan of each on all threads: build, and batches in one call.
 *
 * @param {ComparisonTask} task
 * @param {Extent} extent
 * @param {Surroundings} surroundings
 * @returns {Promise<SetResult & { about: Record<string, { version: string, build: string }> }>}
 */
export async function compare(task, extent, surroundings) {
  const { rivals, onStep, signal, ...others } = surroundings
  const options = { ...others, signal, quick: extent.quick }
  /** @type {Record<string, { version: string, build: string }>} */
  const about = {}
  const field = new Field(task, { ...options, threads: 1 })
  /** @type {Measured[]} */
  let measured
  try {
    for (const rival of rivals) {
      await field.enter(rival, { onBuild: ({ name }) => onStep?.(`${task.name}: ${rival.name}, ${name}: building`) })
    }
    for (const contestant of field.contestants) about[contestant.rival.id] = contestant.about
    measured = await measureOneThread(field, task, extent, surroundings)
  } finally {
    await field.close()
  }

  const parallel = new Field(task, { ...options, threads: extent.threads })
  /** @type {Measured[]} */
  let parallelMeasured = []
  if (extent.threads > 1) {
    try {
      for (const rival of rivals.filter(({ id, parallel }) => parallel && measured.some((point) => point.rival === id))) {
        const only = BATCH_RECALLS.flatMap((recall) => fastestAt(measured, rival.id, recall) ?? []).map(({ plan }) => plan)
        await parallel.enter(rival, { only, onBuild: ({ name }) => onStep?.(`${task.name}: ${rival.name}, ${name}: building on ${extent.threads} threads`) })
      }
      parallelMeasured = await measureParallel(parallel, task, extent, measured, onStep)
    } finally {
      await parallel.close()
    }
  }
  const { name, metric, type, rows, dim, judged } = task
  return {
    name, metric, type, rows, dim, judged, about, measured, parallelMeasured,
    builds: field.builds, parallelBuilds: parallel.builds,
    skipped: [...field.skipped, ...parallel.skipped],
  }
}

/**
 * @param {Field} field
 * @param {ComparisonTask} task
 * @param {Extent} extent
 * @param {Surroundings} surroundings
 * @returns {Promise<Measured[]>}
 */
async function measureOneThread(field, task, { depths, rounds, passSeconds }, { folder, onStep }) {
  /** @type {Pass[]} */
  const passes = []
  const out = join(folder, 'answers.bin')
  for (const contestant of field.contestants) {
    for (const plan of [...contestant.plans]) {
      onStep?.(`${task.name}: ${contestant.rival.name}, ${plan.name}: recall`)
      try {
        for (const k of depths.filter((depth) => depth <= task.truth.depth)) {
          for (const setting of plan.settings(k)) {
            const request = { plan: plan.name, setting, k }
            await contestant.channel.answer({ ...request, count: task.judged, out })
            const file = await readFile(out)
            const ids = new Int32Array(file.buffer, file.byteOffset, file.byteLength / 4)
            const recall = summariseRecall(task.truth.recallPerQuery(ids, k, task.judged))
            if (plan.exact || recall.recall >= LEAST_RECALL) {
              const { seconds } = await contestant.channel.time({ ...request, count: Math.min(TRIAL_QUERIES, task.judged), queries: task.queries, warmUp: 0, calls: 'single' })
              const trial = Math.max(seconds, 1e-7) / Math.min(TRIAL_QUERIES, task.judged)
              const count = Math.max(FEWEST_QUERIES, Math.round(passSeconds / trial))
              passes.push(new Pass(contestant, plan, { setting, k, recall, count, queries: task.queries, batch: Math.min(task.judged, count), threads: 1 }))
            }
            if (recall.recall >= ENOUGH_RECALL) break
          }
        }
      } catch (error) {
        field.drop(contestant, plan, error)
      }
    }
  }

  for (let round = 0; round < rounds; round++) {
    onStep?.(`${task.name}: round ${round + 1} of ${rounds}`)
    for (const pass of interleave(passes, round)) {
      if (!pass.contestant.plans.includes(pass.plan)) continue
      try {
        await pass.run('single')
        if (pass.k === depths[0] && pass.contestant.rival.batches) await pass.run('all')
      } catch (error) {
        field.drop(pass.contestant, pass.plan, error)
      }
    }
  }
  return passes.filter((pass) => pass.isComplete).map((pass) => pass.result())
}

/**
 * @param {Field} field
 * @param {ComparisonTask} task
 * @param {Extent} extent
 * @param {readonly Measured[]} measured on one thread
 * @param {(stage: string) => void} [onStep]
 * @returns {Promise<Measured[]>}
 */
async function measureParallel(field, task, { rounds, passSeconds, threads }, measured, onStep) {
  /** @type {Pass[]} */
  const passes = []
  for (const contestant of field.contestants.filter(({ rival }) => rival.batches)) {
    const chosen = new Set(BATCH_RECALLS.flatMap((recall) => fastestAt(measured, contestant.rival.id, recall) ?? []))
    for (const point of chosen) {
      const plan = contestant.plans.find(({ name }) => name === point.plan)
      const perQuery = (point.oneCall ?? point.single)?.wall.median
      if (plan === undefined || perQuery === undefined) continue
      const { setting, k, recall, p1, p5, none } = point
      // As on one thread, times the threads that share the work.
      const count = Math.min(task.queries, Math.max(FEWEST_QUERIES, Math.round((passSeconds * 1e6 * threads) / perQuery)))
      passes.push(new Pass(contestant, plan, { setting, k, count, queries: task.queries, batch: count, threads, recall: { recall, p1, p5, none } }))
    }
  }
  for (let round = 0; round < rounds; round++) {
    onStep?.(`${task.name}: round ${round + 1} of ${rounds} on ${threads} threads`)
    for (const pass of interleave(passes, round)) {
      if (!pass.contestant.plans.includes(pass.plan)) continue
      try {
        await pass.run('all')
      } catch (error) {
        field.drop(pass.contestant, pass.plan, error)
      }
    }
  }
  return passes.filter((pass) => pass.isComplete).map((pass) => pass.result())
}

/** One setting of one index on its way through the rounds. */
class Pass {
  /** @type {Record<'single' | 'all', { wall: number[], cpu: number[] }>} */
  #times = { single: { wall: [], cpu: [] }, all: { wall: [], cpu: [] } }
  #batch
  #count
  #queries
  #recall
  #setting
  #threads

  /**
   * @param {import('./contestants.mjs').Contestant} contestant
   * @param {import('../rivals/rival.mjs').Plan} plan
   * @param {{ setting: Setting, k: number, recall: RecallSummary, count: number, queries: number, batch: number, threads: number }} task
   *   count: single calls; they go round the queries; batch: queries in one call
   */
  constructor(contestant, plan, { setting, k, recall, count, queries, batch, threads }) {
    this.contestant = contestant
    this.plan = plan
    this.k = k
    this.#setting = setting
    this.#recall = recall
    this.#count = count
    this.#queries = queries
    this.#batch = batch
    this.#threads = threads
  }

  /** @param {'single' | 'all'} calls */
  async run(calls) {
    const count = calls === 'all' ? this.#batch : this.#count
    const { seconds, cpuSeconds } = await this.contestant.channel.time({
      plan: this.plan.name, setting: this.#setting, k: this.k, count, queries: this.#queries, warmUp: Math.ceil(count * WARM_UP), calls,
    })
    this.#times[calls].wall.push((seconds * 1e6) / count)
    this.#times[calls].cpu.push((cpuSeconds * 1e6) / count)
  }

  get isComplete() {
    return this.#times.single.wall.length > 0 || this.#times.all.wall.length > 0
  }

  /** @returns {Measured} */
  result() {
    const { single, all } = this.#times
    return {
      rival: this.contestant.rival.id, plan: this.plan.name, setting: this.#setting, k: this.k, threads: this.#threads,
      exact: this.plan.exact ?? false, ...this.#recall,
      ...(single.wall.length > 0 ? { single: { wall: summarise(single.wall), cpu: summarise(single.cpu) } } : {}),
      ...(all.wall.length > 0 ? { oneCall: { wall: summarise(all.wall), cpu: summarise(all.cpu) } } : {}),
    }
  }
}

/**
 * Passes in an order in which rivals take turns setting by setting, backwards in every other round.
 *
 * @param {readonly Pass[]} passes
 * @param {number} round
 * @returns {Pass[]}
 */
function interleave(passes, round) {
  const contestants = new Set(passes.map(({ contestant }) => contestant))
  const byContestant = [...contestants].map((contestant) => passes.filter((pass) => pass.contestant === contestant))
  const longest = Math.max(0, ...byContestant.map(({ length }) => length))
  const order = Array.from({ length: longest }, (_, place) => byContestant.flatMap((own) => own[place] ?? [])).flat()
  return round % 2 === 0 ? order : order.reverse()
}

/**
 * @param {readonly Measured[]} measured
 * @param {string} rival
 * @param {number} recall
 * @returns {Measured | undefined} its fastest setting at k = 10 that finds so much, or the one that finds most
 */
function fastestAt(measured, rival, recall) {
  const own = measured.filter((point) => point.rival === rival && point.k === 10 && point.single)
    .map((point) => ({ point, recall: point.recall, time: point.single?.wall.median ?? 0 }))
  const best = bestSettings(own)
  return (best.find((one) => one.recall >= recall) ?? best.at(-1))?.point
}
