// npm run bench:binding: what the way through Node adds to batches of 10,000 queries and to a single search,
// and how much memory fit takes at its peak. The same calls are timed in Rust alone, in a process of its own,
// in turns.

import { execFile, execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { configure, L2 } from 'nearhash'
import { parseInteger, refuseUnknownArguments, runCommand, UsageError } from '../command-line.mjs'
import { DataError } from '../datasets/data-error.mjs'
import { findSets } from '../datasets/evaluation-set.mjs'
import { readNpy } from '../datasets/npy.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { processorTime } from '../measure/processor-time.mjs'
import { summarise, timeRuns } from '../measure/timing.mjs'
import { ProgressLine } from '../report/progress.mjs'
import { ENGINE_WORKER } from '../rivals/engine.mjs'
import { buildEngineWorker } from '../rivals/installation.mjs'
import { costOf, describeCost } from './index-cost.mjs'

const QUERIES = 10_000
const ROUNDS = 6
const RUNS_A_ROUND = 4
const OPTIONS = { nProjections: 15, nHashTables: 20, r: 3360 }
const TOP_K = 10
/** For Index: sessions in processes of their own, and rounds in each. */
const SESSIONS = 5
const INDEX_ROUNDS = 5
/** Few candidates, so that the search doesn't hide what the call costs. */
const SINGLE_OPTIONS = { nProjections: 40, nHashTables: 2, r: 3360 }

const PARTS = /** @type {const} */ (['lsh', 'index'])
const HELP = `What the way through Node adds to searches.

  npm run bench:binding -- [options]

  --only <part>    lsh: predict of L2, a single search of it, memory of fit; index: searches of Index (default: both)
  --sets <list>    names of sets for Index, parted by commas (default: all in the folder that NEARHASH_DATA names;
                   without it the bundled photo histograms)
  --threads <n>    1 or another number, for Index (default: 1, then all cores)
  --sessions <n>   for Index, each in new processes (default: ${SESSIONS})
  --help           this text

Numbers go to benchmark/results/binding-cost.json. A part that was left out keeps those it had.
`

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const file = join(root, 'benchmark/data/photo-histograms-64-32000.npy')
const out = join(root, 'benchmark/results/binding-cost.json')
const progress = new ProgressLine()

/** @typedef {import('../measure/timing.mjs').Timing} Timing */

/**
 * What the Rust example says of one of its parts.
 *
 * @typedef {object} RustRun
 * @property {number} idSum
 * @property {number[]} predictMs of `predict`
 * @property {number} pointBytes of `predict`
 * @property {number} indexBytes of `predict`
 * @property {number | null} fitPeakGrowthBytes of `predict`
 * @property {number[]} singleNs of `single`
 */

await runCommand('bench:binding', async (signal) => {
  const { values } = refuseUnknownArguments(() => parseArgs({
    allowPositionals: false,
    options: {
      only: { type: 'string' }, sets: { type: 'string' }, threads: { type: 'string' }, sessions: { type: 'string' },
      help: { type: 'boolean' },
    },
  }))
  if (values.help) {
    console.log(HELP)
    return
  }
  const only = values.only === undefined ? undefined : PARTS.find((part) => part === values.only)
  if (values.only !== undefined && only === undefined) {
    throw new UsageError(`--only ${JSON.stringify(values.only)}: ${PARTS.join(' or ')} is needed`)
  }
  const machine = describeMachine()
  const threads = values.threads === undefined
    ? [...new Set([1, machine.cores])]
    : [parseInteger('--threads', values.threads, { from: 1, to: 1024 })]
  const sessions = parseInteger('--sessions', values.sessions ?? String(SESSIONS), { from: 1, to: 1000 })

  /** @type {Record<string, unknown>} */
  const results = { ...await earlier(), machine, queries: QUERIES }
  if (only !== 'index') Object.assign(results, await lsh(machine.cores))
  if (only !== 'lsh') results['index'] = await searches({ threads, sessions, signal, ...(values.sets ? { names: values.sets.split(',') } : {}) })
  console.log(machineLine(machine))
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, `${JSON.stringify(results, null, 2)}\n`)
})

/** @returns {Promise<Record<string, unknown>>} what was measured before */
async function earlier() {
  try {
    return JSON.parse(await readFile(out, 'utf8'))
  } catch {
    return {}
  }
}

/**
 * Searches of Index on whole sets.
 *
 * @param {{ names?: readonly string[], threads: readonly number[], sessions: number, signal: AbortSignal }} plan
 */
async function searches({ names, threads, sessions, signal }) {
  const failure = await buildEngineWorker(ENGINE_WORKER, (stage) => progress.show({ stage, done: 0, total: 1 }))
  if (failure !== undefined) throw new Error(`the engine without Node can't be built: ${failure}`)
  const folder = process.env['NEARHASH_DATA']
  if (names && !folder) throw new DataError('--sets chooses among the sets in the folder that NEARHASH_DATA names, which is not set')
  const paths = folder ? (await findSets(folder)).filter((path) => names?.includes(basename(path)) ?? true) : [undefined]
  if (paths.length === 0) throw new DataError(`${folder}: holds no set of such a name`)
  const costs = []
  for (const path of paths) {
    for (const number of threads) {
      const plan = { ...(path === undefined ? {} : { path }), queries: QUERIES, rounds: INDEX_ROUNDS, threads: number, k: TOP_K }
      const found = []
      for (let session = 0; session < sessions; session++) {
        progress.show({ stage: `${basename(path ?? file)}, ${number} thread${number === 1 ? '' : 's'}`, done: session, total: sessions })
        const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'benchmark/binding-cost/session.mjs'), JSON.stringify(plan)], { signal })
        found.push(JSON.parse(stdout))
      }
      progress.clear()
      const cost = costOf(found, plan)
      console.log(describeCost(cost))
      costs.push(cost)
    }
  }
  return costs
}

/** @param {'predict' | 'single'} part @param {number} threads @returns {RustRun} */
function inRust(part, threads) {
  const args = ['run', '--release', '--quiet', '--package', 'nearhash', '--example', 'predict', '--']
  const text = execFileSync('cargo', [...args, file, String(QUERIES), String(threads), String(RUNS_A_ROUND), part], {
    cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(text)
}

/**
 * `predict` and a single search of L2, and memory of `fit`.
 *
 * @param {number} cores
 */
async function lsh(cores) {
  progress.show({ stage: 'building the Rust example', done: 0, total: ROUNDS })
  inRust('predict', 1)
  const points = await readNpy(file)
  const dim = points.shape[1]
  const data = Float32Array.from(points.data)
  const queries = data.slice(0, QUERIES * dim)
  const index = new L2({ ...OPTIONS, dim })

  /** @type {Record<string, unknown>[]} */
  const predict = []
  for (const threads of [...new Set([1, cores])]) {
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
    predict.push({ threads, rust, sync, promise })
    progress.clear()
    console.log(`predict of ${QUERIES} queries, top ${TOP_K} with vectors, ${threads} thread${threads === 1 ? '' : 's'}: `
      + `Rust ${rust.median.toFixed(1)} ms, predictSync ${beside(rust, sync)}, predict ${beside(rust, promise)}`)
  }

  configure({ threads: 1 })
  const few = new L2({ ...SINGLE_OPTIONS, dim }).fitSync(queries)
  const single = await singles(few, queries, dim)
  console.log(`${singleLine(single)} (of processor time)`)
  const { pointBytes, indexBytes, fitPeakGrowthBytes } = inRust('predict', 1)
  const tables = indexBytes - pointBytes
  if (fitPeakGrowthBytes !== null) {
    const beyond = fitPeakGrowthBytes - tables + pointBytes
    console.log(`fit at its peak: the points (${mebibytes(pointBytes)}) and ${mebibytes(fitPeakGrowthBytes)} more, `
      + `of which ${mebibytes(tables)} stay as tables: ${(beyond / pointBytes).toFixed(2)} times the points, plus the tables`)
  }
  return { predict, single, pointBytes, indexBytes, fitPeakGrowthBytes }
}

/**
 * The same queries one by one, nanoseconds of processor time each.
 *
 * @param {L2} index fitted to the queries
 * @param {Float32Array} queries
 * @param {number} dim
 * @returns {Promise<Record<'rust' | 'sync', Timing>>}
 */
async function singles(index, queries, dim) {
  const asked = Array.from({ length: QUERIES }, (_, row) => queries.subarray(row * dim, (row + 1) * dim))
  /** @type {Record<'rust' | 'sync', number[]>} */
  const times = { rust: [], sync: [] }
  for (let round = 0; round < ROUNDS; round++) {
    progress.show({ stage: 'single searches', done: round, total: ROUNDS })
    const { singleNs, idSum: expected } = inRust('single', 1)
    times.rust.push(...singleNs.slice(1))
    let idSum = 0
    // The first run warms up.
    for (let run = 0; run < RUNS_A_ROUND; run++) {
      idSum = 0
      const start = processorTime()
      for (const query of asked) {
        const { ids } = index.searchSync(query, { k: TOP_K })
        for (let place = 0; place < TOP_K; place++) idSum += ids[place]
      }
      if (run > 0) times.sync.push((processorTime() - start) / QUERIES)
    }
    if (idSum !== expected) throw new Error(`the answers differ: ids sum to ${idSum} here, ${expected} in Rust`)
  }
  progress.clear()
  return { rust: summarise(times.rust), sync: summarise(times.sync) }
}

/** @param {Record<'rust' | 'sync', Timing>} times */
function singleLine({ rust, sync }) {
  return `a single search of L2, top ${TOP_K}, 1 thread: Rust ${rust.median.toFixed(0)} ns, searchSync ${sync.median.toFixed(0)} ns `
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
