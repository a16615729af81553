import { readFileSync } from 'node:fs'
import os from 'node:os'
import { basename, join } from 'node:path'
import { firstRows } from '../datasets/collection.mjs'
import { DataError } from '../datasets/data-error.mjs'
import { findSets, readBundledSet, readSet } from '../datasets/evaluation-set.mjs'
import { enlarge } from '../datasets/jitter.mjs'
import { describeMachine } from '../measure/machine.mjs'
import { RIVALS } from '../rivals/catalogue.mjs'
import { pythonIn } from '../rivals/installation.mjs'
import { compare } from './measure.mjs'
import { asFloats, createTask, JUDGED_QUERIES } from './task.mjs'

/**
 * @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet
 * @typedef {import('./measure.mjs').SetResult} SetResult
 * @typedef {import('./measure.mjs').Extent} Extent
 * @typedef {import('./options.mjs').ComparisonOptions} ComparisonOptions
 */

/**
 * All that a run found; results.json holds this.
 *
 * @typedef {object} ComparisonResults
 * @property {1} format
 * @property {'comparison' | 'growth'} kind whether `sets` are sets, or one set in several sizes
 * @property {import('../measure/machine.mjs').Machine & { cpuFlags: string[], load: number }} machine load: how many programs wanted to run when it began
 * @property {{ quick: boolean, rounds: number, threads: number, clock: 'wall' | 'cpu' }} settings
 * @property {RivalAbout[]} rivals that were measured
 * @property {SetResult[]} sets
 * @property {{ seed: number, sigma: number, realRows: number }} [enlarged] how the larger sizes were made
 */

/** @typedef {{ id: string, name: string, version: string, build: string }} RivalAbout */

/** Of each set with --quick. */
const QUICK_ROWS = 10_000
const QUICK_QUERIES = 200
/** Seconds that one setting is timed in a round. */
const PASS_SECONDS = { full: 0.15, quick: 0.06 }
/** Batches need more queries than recall does. */
const MOST_QUERIES = 10_000
const GROWTH_SEED = 1

/** What is measured unless --rivals says otherwise. */
const QUICK_RIVALS = ['index', 'index-settle-0', 'lsh', 'exact', 'hnswlib-node', 'usearch', 'hnswlib', 'faiss-ivf']
const GROWTH_RIVALS = ['index', 'index-settle-0', 'exact', 'hnswlib', 'faiss-ivf']

/**
 * @param {ComparisonOptions} options
 * @param {object} surroundings
 * @param {string} surroundings.folder for files that workers share
 * @param {AbortSignal} surroundings.signal
 * @param {(progress: { stage: string, done: number, total: number }) => void} surroundings.onProgress
 * @param {(results: ComparisonResults) => Promise<void>} surroundings.onSet called with all there is whenever one more set is done
 * @returns {Promise<ComparisonResults>}
 */
export async function runComparison(options, { folder, signal, onProgress, onSet }) {
  const { quick, growth, rounds, threads, clock } = options
  const rivals = chooseRivals(options)
  const python = pythonIn(options.python)
  /** @type {ComparisonResults} */
  const results = {
    format: 1,
    kind: growth ? 'growth' : 'comparison',
    machine: describeComputer(),
    settings: { quick, rounds, threads, clock },
    rivals: [],
    sets: [],
  }
  /** @type {Extent} */
  const extent = {
    quick: quick || growth, rounds, passSeconds: PASS_SECONDS[quick ? 'quick' : 'full'],
    threads: growth ? 1 : threads, depths: [10, ...(options.depths ?? (quick || growth ? [] : [1, 100])).filter((k) => k !== 10)],
  }
  const readers = await setReaders(options, results)
  for (const [place, read] of readers.entries()) {
    signal.throwIfAborted()
    onProgress({ stage: 'reading', done: place, total: readers.length })
    const own = join(folder, `set-${place}`)
    const task = await createTask(await read(), {
      folder: own, mostJudged: quick ? QUICK_QUERIES : JUDGED_QUERIES, ...(quick && !growth ? { mostRows: QUICK_ROWS } : {}),
    })
    const { about, ...result } = await compare(task, extent, {
      rivals, folder: own, signal,
      ...(python === undefined ? {} : { python }),
      ...(options.redis === undefined ? {} : { redis: options.redis }),
      onStep: (stage) => onProgress({ stage, done: place, total: readers.length }),
    })
    results.sets.push(result)
    const known = new Map(results.rivals.map((one) => [one.id, one]))
    for (const { id, name } of rivals) if (about[id]) known.set(id, { id, name, ...about[id] })
    results.rivals = rivals.flatMap(({ id }) => known.get(id) ?? [])
    await onSet(results)
  }
  return results
}

/**
 * @param {Pick<ComparisonOptions, 'rivals' | 'quick' | 'growth' | 'engine' | 'redis'>} options
 * @returns {import('../rivals/rival.mjs').Rival[]} those asked for, or those that make sense
 */
export function chooseRivals({ rivals: named, quick, growth, engine, redis }) {
  if (named) return RIVALS.filter(({ id }) => named.includes(id))
  const usual = quick ? QUICK_RIVALS : growth ? GROWTH_RIVALS : undefined
  return RIVALS.filter(({ id, runtime }) => {
    if (runtime === 'rust') return engine
    if (id === 'redis') return redis !== undefined
    return usual?.includes(id) ?? true
  })
}

/**
 * @param {ComparisonOptions} options
 * @param {ComparisonResults} results is told how points were added to a set
 * @returns {Promise<(() => Promise<EvaluationSet>)[]>}
 * @throws {DataError}
 */
async function setReaders({ sets, growth, sizes }, results) {
  const folder = process.env['NEARHASH_DATA']
  /** @type {(() => Promise<EvaluationSet>)[]} */
  let readers
  if (folder === undefined || folder === '') {
    if (sets) throw new DataError('--sets chooses among the sets in the folder that NEARHASH_DATA names, which is not set')
    readers = [() => readBundledSet({ queries: JUDGED_QUERIES })]
  } else {
    const paths = await findSets(folder)
    const missing = sets?.find((name) => !paths.some((path) => basename(path) === name))
    if (missing !== undefined) throw new DataError(`${folder}: holds no set ${JSON.stringify(missing)}, but ${paths.map((path) => basename(path)).join(', ')}`)
    readers = paths.filter((path) => sets?.includes(basename(path)) ?? true).map((path) => () => readSet(path, { queries: MOST_QUERIES }))
  }
  if (!growth) return readers
  const [set] = (await Promise.all(readers.map((read) => read()))).sort((a, b) => a.base.shape[1] - b.base.shape[1])
  return sizes.map((size) => async () => {
    const { points, sigma } = enlarge(set.base, size, { seed: GROWTH_SEED, unitLength: set.metric === 'cosine' })
    if (sigma > 0) results.enlarged = { seed: GROWTH_SEED, sigma, realRows: set.base.shape[0] }
    return { name: set.name, metric: set.metric, base: points, queries: asFloats(firstRows(set.queries, Math.min(JUDGED_QUERIES, set.queries.shape[0])), set.metric) }
  })
}

/** @returns {ComparisonResults['machine']} */
function describeComputer() {
  return { ...describeMachine(), cpuFlags: cpuFlags(), load: os.loadavg()[0] }
}

/** @returns {string[]} the instruction sets of this CPU that matter to vectors, where the system tells */
function cpuFlags() {
  try {
    const [, flags = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? []
    return flags.trim().split(' ').filter((flag) => /^(sse4_2|avx|fma|f16c|asimd|sve|i8mm|bf16)/.test(flag))
  } catch {
    return []
  }
}
