import { parseArgs } from 'node:util'
import { configure } from 'nearhash'
import { parseInteger, refuseUnknownArguments, runCommand, UsageError } from '../command-line.mjs'
import { findSets, METRICS, readBundledSet, readSet } from '../datasets/evaluation-set.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { checkSet, STEPS } from './checks.mjs'
import { share, milliseconds, wholeNumber } from '../report/numbers.mjs'
import { ProgressLine } from '../report/progress.mjs'
import { textTable } from '../report/table.mjs'

const HELP = `Checks exact search, SRP and L2 on every data set there is: neighbours against the given ones, distances
against the plain formula, recall against theory and rising with tables and probes.

  NEARHASH_DATA=<folder> npm run recall -- [options]

NEARHASH_DATA names a folder of sets; a set is a folder with base.npy, queries.npy and neighbors.npy (exact
neighbours, nearest first). Its metric is what metric.txt in it says, or --metric, or else cosine for
floating-point rows of length 1 and Euclidean for all others. Without NEARHASH_DATA the bundled photo
histograms are checked.

  --metric <name>    euclidean or cosine, for every set
  --queries <n>      at most so many queries a set (default: 1000)
  --threads <n>      of nearhash (default: all cores)
  --help             this text

The exit code is 1 when a check fails.
`

await runCommand('npm run recall', async (signal) => {
  const { values } = refuseUnknownArguments(() => parseArgs({
    allowPositionals: false,
    options: {
      metric: { type: 'string' }, queries: { type: 'string' }, threads: { type: 'string' }, help: { type: 'boolean' },
    },
  }))
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const metric = METRICS.find((name) => name === values.metric)
  if (values.metric !== undefined && metric === undefined) {
    throw new UsageError(`--metric ${JSON.stringify(values.metric)}: ${METRICS.join(' or ')} is needed`)
  }
  const queries = parseInteger('--queries', values.queries ?? '1000', { from: 1, to: 1_000_000 })
  if (values.threads !== undefined) configure({ threads: parseInteger('--threads', values.threads, { from: 1, to: 1024 }) })

  const options = { queries, signal, ...(metric === undefined ? {} : { metric }) }
  const folder = process.env['NEARHASH_DATA']
  /** @type {(() => Promise<import('../datasets/evaluation-set.mjs').EvaluationSet>)[]} */
  let readers
  if (folder === undefined || folder === '') {
    process.stderr.write('NEARHASH_DATA is not set: checking the bundled photo histograms only. Set it to a folder of data sets (see benchmark/data/README.md) to check those.\n')
    readers = [() => readBundledSet(options)]
  } else {
    readers = (await findSets(folder)).map((path) => () => readSet(path, options))
  }
  process.stdout.write(`${machineLine(describeMachine())}\n\n`)

  const progress = new ProgressLine()
  /** @type {string[]} */
  const failures = []
  for (const [place, read] of readers.entries()) {
    let step = 0
    /** @param {string} stage */
    const show = (stage) => progress.show({ stage, done: place * STEPS + step, total: readers.length * STEPS })
    show('reading')
    try {
      const set = await read()
      const result = await checkSet(set, { signal, onProgress: (stage) => { show(`${set.name}: ${stage}`); step++ } })
      progress.clear()
      process.stdout.write(describeResult(set, result))
      failures.push(...result.failures.map((failure) => `${set.name}: ${failure}`))
    } finally {
      progress.clear()
    }
  }
  if (failures.length === 0) {
    process.stdout.write(`All checks passed on ${readers.length} set${readers.length === 1 ? '' : 's'}.\n`)
    return 0
  }
  process.stdout.write(`${failures.length} check${failures.length === 1 ? '' : 's'} failed:\n${failures.map((failure) => `  ${failure}\n`).join('')}`)
  return 1
})

/**
 * @param {import('../datasets/evaluation-set.mjs').EvaluationSet} set
 * @param {import('./checks.mjs').SetResult} result
 */
function describeResult({ name, metric, base, queries }, { rows, notes, failures }) {
  const columns = [
    { title: 'class', align: /** @type {const} */ ('left') },
    ...['k', 'L', 'probes', 'recall@10', 'theory', 'collisions', 'ms a query'].map((title) => ({ title })),
  ]
  const groups = [...new Set(rows.map(({ family }) => family))].map((family) => rows.filter((row) => row.family === family).map((row) => [
    row.family, String(row.nProjections), String(row.nHashTables), String(row.probes), share(row.recall),
    row.expected === undefined ? '' : share(row.expected), wholeNumber(row.collisions), milliseconds(row.millisecondsPerQuery),
  ]))
  return [
    `${name}: ${wholeNumber(base.shape[0])} x ${base.shape[1]}, ${wholeNumber(queries.shape[0])} queries, ${metric}`,
    ...notes,
    '',
    textTable(columns, groups),
    ...failures.map((failure) => `FAILED  ${failure}`),
    '',
  ].join('\n')
}
