// What the way through Node adds to searches of Index: one query at a time, and a batch in one call. The same
// searches in Rust alone run in turns with them, in a process of their own that keeps its index.
//
// How fast a process searches depends on where its memory happens to lie, by up to a tenth for its whole life. So
// each set is measured in several sessions, each with a new process of either kind.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { configure, Index } from 'nearhash'
import { writeNpy } from '../datasets/npy.mjs'
import { quantile } from '../measure/quantile.mjs'
import { processorTime } from '../measure/processor-time.mjs'
import { summarise } from '../measure/timing.mjs'
import { Channel } from '../rivals/channel.mjs'
import { ENGINE_INDEX } from '../rivals/engine.mjs'

/** @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet */
/** @typedef {import('../measure/timing.mjs').Timing} Timing */
/** @typedef {'rust' | 'sync' | 'promise'} Way */
/** @typedef {{ sync: number, promise: number }} Excess over Rust, as a share of its time */

/**
 * One set on one number of threads. `more` is the median, over the rounds, of the excess over Rust in the same round.
 *
 * @typedef {object} IndexCost
 * @property {string} set
 * @property {number} rows
 * @property {number} dim
 * @property {number} threads
 * @property {number} queries
 * @property {number} k
 * @property {number} sessions
 * @property {{ rust: Timing, sync: Timing, more: number }} [single] nanoseconds of processor time for one query; on one thread only
 * @property {Record<Way, Timing>} batch milliseconds
 * @property {Excess} more on the clock
 * @property {Excess} moreWork of processor time, of all threads
 * @property {Timing} call milliseconds in which `search` keeps the event loop, until the promise is there
 * @property {number} longestStop milliseconds: the event loop's longest stop while a batch is under way, the median of the rounds
 */

const PLAN = { name: 'Index', options: { kind: 'index', settle: undefined }, settings: () => [] }
/** The worker's seed. */
const SEED = 1

/** Times of one session, round by round: milliseconds of batches, nanoseconds of single searches. */
/** @typedef {ReturnType<typeof noTimes>} Times */
/** @typedef {{ set: string, rows: number, dim: number, times: Times }} Session */
/** @typedef {{ queries: number, rounds: number, threads: number, k: number }} SessionPlan */

/**
 * @param {EvaluationSet} set
 * @param {SessionPlan} plan
 * @returns {Promise<Session>}
 * @throws {Error} when the answers of Rust and Node differ
 */
export async function measureSession(set, { queries: count, rounds, threads, k }) {
  const [rows, dim] = set.base.shape
  const queries = cycled(set.queries, count)
  const asked = Array.from({ length: count }, (_, row) => queries.subarray(row * dim, (row + 1) * dim))
  const folder = await mkdtemp(join(tmpdir(), 'nearhash-binding-cost-'))
  const rust = new Channel(ENGINE_INDEX, { threads })
  try {
    const [pointFile, queryFile, answerFile] = ['points', 'queries', 'answers'].map((name) => join(folder, `${name}.npy`))
    await writeNpy(pointFile, set.base)
    await writeNpy(queryFile, { data: queries, shape: [count, dim] })
    await rust.open({
      points: pointFile, queries: queryFile, floatPoints: pointFile, floatQueries: queryFile,
      metric: set.metric, threads, scratch: folder,
    })
    await rust.build(PLAN)
    configure({ threads })
    const index = new Index({ metric: set.metric, seed: SEED }).fitSync(set.base)

    // Each call is made twice and timed the second time: the first one finds the caches as the other process left them.
    const request = { plan: PLAN.name, setting: {}, k, count, queries: count, warmUp: count }
    await rust.answer({ ...request, out: answerFile })
    const file = await readFile(answerFile)
    const expected = new Uint32Array(file.buffer, file.byteOffset, count * k)
    const times = noTimes()
    for (let round = -1; round < rounds; round++) {
      const found = noTimes()
      if (threads === 1) {
        const { cpuSeconds } = await rust.time({ ...request, calls: 'single' })
        found.rustSingle.push((cpuSeconds * 1e9) / count)
        oneByOne(index, asked, k)
        found.syncSingle.push(oneByOne(index, asked, k))
      }
      const { seconds, cpuSeconds } = await rust.time({ ...request, calls: 'all' })
      found.rust.push(seconds * 1e3)
      found.rustWork.push(cpuSeconds * 1e3)
      index.searchSync(queries, { k })
      const sync = blocking(index, queries, k)
      found.sync.push(sync.milliseconds)
      found.syncWork.push(sync.work)
      found.stop.push(await longestStop(index, queries, k))
      const promise = await promised(index, queries, k)
      found.promise.push(promise.milliseconds)
      found.promiseWork.push(promise.work)
      found.call.push(promise.call)
      for (const { ids } of [sync, promise]) {
        if (Buffer.compare(bytesOf(ids), bytesOf(expected)) !== 0) throw new Error('the answers in Rust and through Node differ')
      }
      // The first round warms up.
      if (round >= 0) for (const [name, values] of Object.entries(found)) times[/** @type {keyof Times} */ (name)].push(...values)
    }
    return { set: set.name, rows, dim, times }
  } finally {
    await rust.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * @param {readonly Session[]} sessions of one set
 * @param {SessionPlan} plan
 * @returns {IndexCost}
 */
export function costOf(sessions, { queries, threads, k }) {
  const [{ set, rows, dim }] = sessions
  const times = noTimes()
  for (const session of sessions) {
    for (const [name, values] of Object.entries(session.times)) times[/** @type {keyof Times} */ (name)].push(...values)
  }
  const excess = (/** @type {number[]} */ rust, /** @type {number[]} */ other) => middle(other.map((time, round) => time / rust[round] - 1))
  return {
    set, rows, dim, threads, queries, k, sessions: sessions.length,
    ...(threads === 1
      ? {
          single: {
            rust: summarise(times.rustSingle), sync: summarise(times.syncSingle),
            more: middle(times.syncSingle.map((time, round) => time - times.rustSingle[round])),
          },
        }
      : {}),
    batch: { rust: summarise(times.rust), sync: summarise(times.sync), promise: summarise(times.promise) },
    more: { sync: excess(times.rust, times.sync), promise: excess(times.rust, times.promise) },
    moreWork: { sync: excess(times.rustWork, times.syncWork), promise: excess(times.rustWork, times.promiseWork) },
    call: summarise(times.call),
    longestStop: middle(times.stop),
  }
}

/** @param {IndexCost} cost @returns {string} a line or two for the console */
export function describeCost({ set, threads, queries, k, single, batch: { rust, sync, promise }, more, moreWork, call, longestStop: stop }) {
  const lines = [
    `${queries} queries of Index, top ${k}, ${set}, ${threads} thread${threads === 1 ? '' : 's'}: Rust ${rust.median.toFixed(1)} ms, `
    + `searchSync ${sync.median.toFixed(1)} ms (${percent(more.sync)}), search ${promise.median.toFixed(1)} ms (${percent(more.promise)}), `
    + `of processor time ${percent(moreWork.sync)} and ${percent(moreWork.promise)}; its call takes ${call.median.toFixed(1)} ms, the event loop's longest stop is ${stop.toFixed(1)} ms`,
  ]
  if (single !== undefined) {
    lines.push(`a single search of Index, top ${k}, ${set}: Rust ${single.rust.median.toFixed(0)} ns, searchSync ${single.sync.median.toFixed(0)} ns `
      + `(${single.more.toFixed(0)} ns more; fastest ${(single.sync.fastest - single.rust.fastest).toFixed(0)} ns more)`)
  }
  return lines.join('\n')
}

/**
 * @param {Index} index
 * @param {readonly Float32Array[]} queries
 * @param {number} k
 * @returns {number} nanoseconds of processor time for one search
 */
function oneByOne(index, queries, k) {
  const start = processorTime()
  for (const query of queries) index.searchSync(query, { k })
  return (processorTime() - start) / queries.length
}

/**
 * @param {Index} index
 * @param {Float32Array} queries
 * @param {number} k
 * @returns {{ milliseconds: number, work: number, ids: Uint32Array }} on the clock; of processor time
 */
function blocking(index, queries, k) {
  const worked = processorTime()
  const start = performance.now()
  const { ids } = index.searchSync(queries, { k })
  const end = performance.now()
  return { milliseconds: end - start, work: (processorTime() - worked) / 1e6, ids }
}

/**
 * @param {Index} index
 * @param {Float32Array} queries
 * @param {number} k
 * @returns {Promise<{ milliseconds: number, work: number, call: number, ids: Uint32Array }>} until the answer is there; processor time until then; of the call alone
 */
async function promised(index, queries, k) {
  const worked = processorTime()
  const start = performance.now()
  const running = index.search(queries, { k })
  const called = performance.now()
  const { ids } = await running
  const end = performance.now()
  return { milliseconds: end - start, work: (processorTime() - worked) / 1e6, call: called - start, ids }
}

/**
 * Not timed otherwise: looking so often takes time of its own.
 *
 * @param {Index} index
 * @param {Float32Array} queries
 * @param {number} k
 * @returns {Promise<number>} milliseconds, the longest in which no timer ran
 */
async function longestStop(index, queries, k) {
  const running = index.search(queries, { k })
  let last = performance.now()
  let longest = 0
  const look = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(look, 1)
  await running
  clearInterval(timer)
  look()
  return longest
}

function noTimes() {
  const none = () => /** @type {number[]} */ ([])
  return {
    rust: none(), sync: none(), promise: none(), rustWork: none(), syncWork: none(), promiseWork: none(),
    rustSingle: none(), syncSingle: none(), call: none(), stop: none(),
  }
}

/** @param {Uint32Array} ids */
function bytesOf(ids) {
  return new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)
}

/**
 * @param {import('../datasets/collection.mjs').Matrix} matrix
 * @param {number} count
 * @returns {Float32Array} its rows in single precision, again and again until there are so many
 */
function cycled({ data, shape: [rows, dim] }, count) {
  const floats = new Float32Array(count * dim)
  for (let row = 0; row < count; row += rows) {
    floats.set(data.subarray(0, Math.min(rows, count - row) * dim), row * dim)
  }
  return floats
}

/** @param {readonly number[]} values */
function middle(values) {
  return quantile(values.toSorted((a, b) => a - b), 0.5)
}

/** @param {number} share */
function percent(share) {
  return `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)} %`
}
