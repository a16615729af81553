// npm run bench:binding: what the way through Node adds to predict of 10,000 queries and to a single
// search, and how much memory fit takes at its peak. The same calls are timed in Rust alone, in a process
// of its own, in turns.

import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configure, Index, L2 } from 'nearhash'
import { readNpy } from '../datasets/npy.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { isThreadTimeKnown, threadTime } from '../measure/thread-time.mjs'
import { summarise, timeRuns } from '../measure/timing.mjs'
import { ProgressLine } from '../report/progress.mjs'

const QUERIES = 10_000
const ROUNDS = 6
const RUNS_A_ROUND = 4
const OPTIONS = { nProjections: 15, nHashTables: 20, r: 3360 }
const TOP_K = 10
/** Few candidates, so that the search doesn't hide what the call costs. */
const SINGLE_OPTIONS = { nProjections: 40, nHashTables: 2, r: 3360 }

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const file = join(root, 'benchmark/data/photo-histograms-64-32000.npy')

/**
 * What the Rust example says of one of its parts.
 *
 * @typedef {object} RustRun
 * @property {number} idSum
 * @property {number[]} predictMs of `predict`
 * @property {number} pointBytes of `predict`
 * @property {number} indexBytes of `predict`
 * @property {number | null} fitPeakGrowthBytes of `predict`
 * @property {number[]} singleNs of `single` and `index`
 * @property {number[]} batchMs of `index`
 */

/** @param {'predict' | 'single' | 'index'} part @param {number} threads @returns {RustRun} */
function inRust(part, threads) {
  const args = ['run', '--release', '--quiet', '--package', 'nearhash', '--example', 'predict', '--']
  const text = execFileSync('cargo', [...args, file, String(QUERIES), String(threads), String(RUNS_A_ROUND), part], {
    cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(text)
}

const progress = new ProgressLine()
progress.show({ stage: 'building the Rust example', done: 0, total: ROUNDS })
inRust('predict', 1)
const points = await readNpy(file)
const data = Float32Array.from(points.data)
const queries = data.slice(0, QUERIES * points.shape[1])
const index = new L2({ ...OPTIONS, dim: points.shape[1] })

/** @type {Record<string, unknown>[]} */
const results = []
const machine = describeMachine()
for (const threads of [...new Set([1, machine.cores])]) {
  configure({ threads })
  await index.fit(data)
  /** @type {Record<'rust' | 'sync' | 'promise', number[]>} */
  const times = { rust: [], sync: [], promise: [] }
  const plan = { warmUps: 1, minRuns: RUNS_A_ROUND, maxRuns: RUNS_A_ROUND, enough: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    progress.show({ stage: `${threads} threads`, done: round, total: ROUNDS })
    const rust = inRust('predict', threads)
    times.rust.push(...rust.predictMs.slice(1))
    times.sync.push(...(await timeRuns(() => index.predictSync(queries, { topK: TOP_K }), plan)))
    times.promise.push(...(await timeRuns(() => index.predict(queries, { topK: TOP_K }), plan)))
    const idSum = index.predictSync(queries, { topK: TOP_K })
      .reduce((sum, { index: ids }) => ids.reduce((total, id) => total + id, sum), 0)
    if (idSum !== rust.idSum) throw new Error(`the answers differ: ids sum to ${idSum} here, ${rust.idSum} in Rust`)
  }
  const [rust, sync, promise] = [times.rust, times.sync, times.promise].map(summarise)
  results.push({ threads, rust, sync, promise })
  progress.clear()
  console.log(`predict of ${QUERIES} queries, top ${TOP_K} with vectors, ${threads} thread${threads === 1 ? '' : 's'}: `
    + `Rust ${rust.median.toFixed(1)} ms, predictSync ${beside(rust, sync)}, predict ${beside(rust, promise)}`)
}

configure({ threads: 1 })
const few = new L2({ ...SINGLE_OPTIONS, dim: points.shape[1] }).fitSync(queries)
const fast = new Index({ dim: points.shape[1] }).fitSync(queries)
const single = await singles(few, 'single')
const indexSingle = await singles(fast, 'index')
console.log(`${singleLine('L2', single)}\n${singleLine('Index', indexSingle)}${isThreadTimeKnown ? ' (of time that the thread worked)' : ''}`)
/** @type {Record<string, unknown>[]} */
const indexBatches = []
for (const threads of [...new Set([1, machine.cores])]) {
  configure({ threads })
  const { rust, sync, promise } = await batches(fast, threads)
  indexBatches.push({ threads, rust, sync, promise })
  console.log(`search of ${QUERIES} queries by Index, top ${TOP_K}, ${threads} thread${threads === 1 ? '' : 's'}: `
    + `Rust ${rust.median.toFixed(1)} ms, searchSync ${beside(rust, sync)}, search ${beside(rust, promise)}`)
}
const { pointBytes, indexBytes, fitPeakGrowthBytes } = inRust('predict', 1)
const tables = indexBytes - pointBytes
if (fitPeakGrowthBytes !== null) {
  const beyond = fitPeakGrowthBytes - tables + pointBytes
  console.log(`fit at its peak: the points (${mebibytes(pointBytes)}) and ${mebibytes(fitPeakGrowthBytes)} more, `
    + `of which ${mebibytes(tables)} stay as tables: ${(beyond / pointBytes).toFixed(2)} times the points, plus the tables`)
}
console.log(machineLine(machine))

const out = join(root, 'benchmark/results')
await mkdir(out, { recursive: true })
await writeFile(join(out, 'binding-cost.json'),
  `${JSON.stringify({ machine, queries: QUERIES, results, single, indexSingle, indexBatches, pointBytes, indexBytes, fitPeakGrowthBytes }, null, 2)}\n`)

/** @typedef {import('../measure/timing.mjs').Timing} Timing */

/**
 * The same queries one by one, nanoseconds each, of the thread's own time where the system tells it.
 *
 * @param {L2 | Index} index fitted to the queries
 * @param {'single' | 'index'} part the same in Rust
 * @returns {Promise<Record<'rust' | 'sync', Timing>>}
 */
async function singles(index, part) {
  const asked = Array.from({ length: QUERIES }, (_, row) => queries.subarray(row * points.shape[1], (row + 1) * points.shape[1]))
  /** @type {Record<'rust' | 'sync', number[]>} */
  const times = { rust: [], sync: [] }
  for (let round = 0; round < ROUNDS; round++) {
    progress.show({ stage: 'single searches', done: round, total: ROUNDS })
    const { singleNs, idSum: expected } = inRust(part, 1)
    times.rust.push(...singleNs.slice(1))
    let idSum = 0
    // The first run warms up.
    for (let run = 0; run < RUNS_A_ROUND; run++) {
      idSum = 0
      const start = threadTime()
      for (const query of asked) {
        const { ids } = index.searchSync(query, { k: TOP_K })
        for (let place = 0; place < TOP_K; place++) idSum += ids[place]
      }
      if (run > 0) times.sync.push((threadTime() - start) / QUERIES)
    }
    if (idSum !== expected) throw new Error(`the answers differ: ids sum to ${idSum} here, ${expected} in Rust`)
  }
  progress.clear()
  return { rust: summarise(times.rust), sync: summarise(times.sync) }
}

/**
 * A batch of all queries, milliseconds.
 *
 * @param {Index} index fitted to the queries
 * @param {number} threads
 * @returns {Promise<Record<'rust' | 'sync' | 'promise', Timing>>}
 */
async function batches(index, threads) {
  const plan = { warmUps: 1, minRuns: RUNS_A_ROUND, maxRuns: RUNS_A_ROUND, enough: 0 }
  /** @type {Record<'rust' | 'sync' | 'promise', number[]>} */
  const times = { rust: [], sync: [], promise: [] }
  for (let round = 0; round < ROUNDS; round++) {
    progress.show({ stage: `batches of Index, ${threads} threads`, done: round, total: ROUNDS })
    times.rust.push(...inRust('index', threads).batchMs.slice(1))
    times.sync.push(...(await timeRuns(() => index.searchSync(queries, { k: TOP_K }), plan)))
    times.promise.push(...(await timeRuns(() => index.search(queries, { k: TOP_K }), plan)))
  }
  progress.clear()
  return { rust: summarise(times.rust), sync: summarise(times.sync), promise: summarise(times.promise) }
}

/** @param {string} name @param {Record<'rust' | 'sync', Timing>} times */
function singleLine(name, { rust, sync }) {
  return `a single search of ${name}, top ${TOP_K}, 1 thread: Rust ${rust.median.toFixed(0)} ns, searchSync ${sync.median.toFixed(0)} ns `
    + `(${(sync.median - rust.median).toFixed(0)} ns more; fastest ${(sync.fastest - rust.fastest).toFixed(0)} ns more)`
}

/** @param {Timing} rust @param {Timing} timing */
function beside(rust, timing) {
  return `${timing.median.toFixed(1)} ms (${percent(timing.median / rust.median)}; fastest ${percent(timing.fastest / rust.fastest)})`
}

/** @param {number} ratio */
function percent(ratio) {
  return `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`
}

/** @param {number} bytes */
function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
