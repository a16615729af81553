import { parseArgs } from 'node:util'
import * as nearhash from 'nearhash'
import { parseInteger, refuseUnknownArguments, runCommand, UsageError } from '../command-line.mjs'
import { findSets, firstQueries, METRICS, readBundledSet, readSet } from '../datasets/evaluation-set.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { ProgressLine } from '../report/progress.mjs'
import { checkSet, STEPS } from './checks.mjs'
import { checkIndex, indexSteps } from './index-checks.mjs'
import { describeIndexResult, describeResult, describeSet } from './report.mjs'
import { kindsFor } from './strangers.mjs'
import { writeStrangers } from './write-strangers.mjs'

/** @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet */

const HELP = `Checks every class on every data set there is. Exact search, SRP and L2: neighbours against the given ones,
distances against the plain formula, recall against theory and rising with tables and probes. Index: recall against
what was asked, single queries, and queries unlike the data.

  NEARHASH_DATA=<folder> npm run recall -- [options]

NEARHASH_DATA names a folder of sets; a set is a folder with base.npy, queries.npy and neighbors.npy (exact
neighbours, nearest first). Its metric is what metric.txt in it says, or --metric, or else cosine for
floating-point rows of length 1 and Euclidean for all others. Without NEARHASH_DATA the bundled photo
histograms are checked.

  --part <name>      lsh: only exact search, SRP and L2; index: only Index
  --metric <name>    euclidean or cosine, for every set
  --queries <n>      at most so many queries a set (default: 1000, and 10000 for Index)
  --threads <n>      of nearhash (default: all cores)
  --write <folder>   check nothing; write the queries unlike the data and their 100 exact neighbours as
                     <folder>/<set>/<kind>-queries.npy and <kind>-neighbors.npy
  --help             this text

The exit code is 1 when a check fails.
`

const PARTS = /** @type {const} */ (['lsh', 'index'])
const [LSH_QUERIES, INDEX_QUERIES] = [1000, 10_000]

await runCommand('npm run recall', async (signal) => {
  const { values } = refuseUnknownArguments(() => parseArgs({
    allowPositionals: false,
    options: {
      part: { type: 'string' }, metric: { type: 'string' }, queries: { type: 'string' }, threads: { type: 'string' },
      write: { type: 'string' }, help: { type: 'boolean' },
    },
  }))
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const metric = oneOf('--metric', values.metric, METRICS)
  const part = oneOf('--part', values.part, PARTS)
  const queries = values.queries === undefined ? undefined : parseInteger('--queries', values.queries, { from: 1, to: 1_000_000 })
  if (values.threads !== undefined) nearhash.configure({ threads: parseInteger('--threads', values.threads, { from: 1, to: 1024 }) })

  const readers = await findReaders({ queries: queries ?? INDEX_QUERIES, signal, ...(metric === undefined ? {} : { metric }) })
  process.stdout.write(`${machineLine(describeMachine())}\n\n`)

  const progress = new ProgressLine()
  /** @type {string[]} */
  const failures = []
  for (const [place, read] of readers.entries()) {
    progress.show({ stage: 'reading', done: place, total: readers.length })
    try {
      const set = await read()
      if (values.write !== undefined) {
        const kinds = await writeStrangers(set, values.write, { signal, onProgress: showing(progress, set, kindsFor(set).length) })
        progress.clear()
        process.stdout.write(`${set.name}: ${kinds.join(', ')}\n`)
        continue
      }
      progress.clear()
      process.stdout.write(describeSet(set))
      if (part !== 'index') {
        const asked = firstQueries(set, queries ?? LSH_QUERIES)
        const result = await checkSet(asked, { signal, onProgress: showing(progress, set, STEPS) })
        progress.clear()
        process.stdout.write(describeResult(result))
        failures.push(...result.failures.map((failure) => `${set.name}: ${failure}`))
      }
      if (part !== 'lsh') {
        if (!('Index' in nearhash)) {
          process.stdout.write('Index is left out: this nearhash has none.\n\n')
          continue
        }
        const Index = /** @type {import('./index-checks.mjs').IndexClass} */ (nearhash.Index)
        const result = await checkIndex(set, Index, { signal, onProgress: showing(progress, set, indexSteps(set)) })
        progress.clear()
        process.stdout.write(describeIndexResult(result))
        failures.push(...result.failures.map((failure) => `${set.name}: ${failure}`))
      }
    } finally {
      progress.clear()
    }
  }
  if (values.write !== undefined) return 0
  if (failures.length === 0) {
    process.stdout.write(`All checks passed on ${readers.length} set${readers.length === 1 ? '' : 's'}.\n`)
    return 0
  }
  process.stdout.write(`${failures.length} check${failures.length === 1 ? '' : 's'} failed:\n${failures.map((failure) => `  ${failure}\n`).join('')}`)
  return 1
})

/**
 * @param {{ queries: number, metric?: 'euclidean' | 'cosine', signal: AbortSignal }} options
 * @returns {Promise<(() => Promise<EvaluationSet>)[]>} one for each set
 */
async function findReaders(options) {
  const folder = process.env['NEARHASH_DATA']
  if (folder === undefined || folder === '') {
    process.stderr.write('NEARHASH_DATA is not set: using the bundled photo histograms only. Set it to a folder of data sets (see benchmark/data/README.md) to use those.\n')
    return [() => readBundledSet(options)]
  }
  return (await findSets(folder)).map((path) => () => readSet(path, options))
}

/**
 * @param {ProgressLine} progress
 * @param {EvaluationSet} set
 * @param {number} total calls to come
 * @returns {(stage: string) => void}
 */
function showing(progress, { name }, total) {
  let done = 0
  return (stage) => progress.show({ stage: `${name}: ${stage}`, done: done++, total })
}

/**
 * @template {string} Word
 * @param {string} option
 * @param {string | undefined} text
 * @param {readonly Word[]} words
 * @returns {Word | undefined}
 */
function oneOf(option, text, words) {
  const word = words.find((name) => name === text)
  if (text !== undefined && word === undefined) {
    throw new UsageError(`${option} ${JSON.stringify(text)}: ${words.join(' or ')} is needed`)
  }
  return word
}
