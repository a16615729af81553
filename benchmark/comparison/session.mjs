import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readBundledSet, readSet, findSets } from '../datasets/evaluation-set.mjs'
import { DataError } from '../datasets/data-error.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { ProgressLine } from '../report/progress.mjs'
import { RIVALS } from '../rivals/catalogue.mjs'
import { installPackages, installPython, pythonIn } from '../rivals/installation.mjs'
import { compare } from './measure.mjs'
import { createTask, JUDGED_QUERIES } from './task.mjs'

/**
 * @typedef {import('./measure.mjs').SetResult} SetResult
 * @typedef {import('./options.mjs').ComparisonOptions} ComparisonOptions
 */

/**
 * All that a run found; results.json holds this.
 *
 * @typedef {object} ComparisonResults
 * @property {1} format
 * @property {import('../measure/machine.mjs').Machine & { cpuFlags: string[] }} machine
 * @property {{ quick: boolean, rounds: number, threads: number, clock: 'wall' | 'cpu' }} settings
 * @property {{ id: string, name: string, version: string, build: string }[]} rivals that were measured
 * @property {SetResult[]} sets
 */

/** Of each set with --quick. */
const QUICK_ROWS = 10_000
const QUICK_QUERIES = 200
/** Seconds that one setting is timed in a round. */
const PASS_SECONDS = { full: 0.4, quick: 0.08 }
const MOST_QUERIES = 10_000

/**
 * @param {ComparisonOptions} options
 * @param {{ folder: string, signal: AbortSignal }} surroundings a folder for files that workers share
 * @returns {Promise<ComparisonResults>}
 */
export async function runComparison(options, { folder, signal }) {
  const { quick, rounds, threads, clock } = options
  const say = (/** @type {string} */ what) => process.stderr.write(`${what}\n`)
  const machine = { ...describeMachine(), cpuFlags: cpuFlags() }
  process.stdout.write(`${machineLine(machine)}\n`)
  await install(options, say)
  const python = pythonIn(options.python)
  const rivals = RIVALS.filter(({ id }) => options.rivals?.includes(id) ?? true)

  const progress = new ProgressLine()
  /** @type {Map<string, { id: string, name: string, version: string, build: string }>} */
  const about = new Map()
  /** @type {SetResult[]} */
  const sets = []
  const readers = await setReaders(options)
  try {
    for (const [place, read] of readers.entries()) {
      const set = await read()
      const own = join(folder, `set-${place}`)
      const task = await createTask(set, { folder: own, mostJudged: quick ? QUICK_QUERIES : JUDGED_QUERIES, ...(quick ? { mostRows: QUICK_ROWS } : {}) })
      const { about: versions, ...result } = await compare(
        task,
        { quick, rounds, threads, depths: quick ? [10] : [10, 1, 100], passSeconds: PASS_SECONDS[quick ? 'quick' : 'full'] },
        {
          rivals, folder: own, signal,
          ...(python === undefined ? {} : { python }),
          ...(options.redis === undefined ? {} : { redis: options.redis }),
          onStep: (stage) => progress.show({ stage, done: place, total: readers.length }),
        },
      )
      sets.push(result)
      for (const rival of rivals) if (versions[rival.id]) about.set(rival.id, { id: rival.id, name: rival.name, ...versions[rival.id] })
    }
  } finally {
    progress.clear()
  }
  return { format: 1, machine, settings: { quick, rounds, threads, clock }, rivals: [...about.values()], sets }
}

/** @param {ComparisonOptions} options @param {(what: string) => void} say */
async function install({ install, installPython: wantsPython, python }, say) {
  const failures = [
    ['npm packages', install ? await installPackages(say) : undefined],
    ['Python packages', wantsPython ? await installPython(python, say) : undefined],
  ]
  for (const [what, failure] of failures) if (failure !== undefined) say(`${what} of rivals could not be installed: ${failure}`)
}

/**
 * @param {ComparisonOptions} options
 * @returns {Promise<(() => Promise<import('../datasets/evaluation-set.mjs').EvaluationSet>)[]>}
 */
async function setReaders({ sets }) {
  const folder = process.env['NEARHASH_DATA']
  if (folder === undefined || folder === '') {
    if (sets) throw new DataError('--sets chooses among the sets in the folder that NEARHASH_DATA names, which is not set')
    return [() => readBundledSet({ queries: JUDGED_QUERIES })]
  }
  const paths = await findSets(folder)
  const missing = sets?.find((name) => !paths.some((path) => basename(path) === name))
  if (missing !== undefined) throw new DataError(`${folder}: holds no set ${JSON.stringify(missing)}, but ${paths.map((path) => basename(path)).join(', ')}`)
  return paths.filter((path) => sets?.includes(basename(path)) ?? true).map((path) => () => readSet(path, { queries: MOST_QUERIES }))
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
