// npm run bench:words: how many true neighbours the words of vectors find, and how fast vectors become words. No search
// engine takes part: an inverted list in this process scores as one does.

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { configure } from 'nearhash'
import { parseInteger, refuseUnknownArguments, runCommand } from '../command-line.mjs'
import { findSets, readBundledSet, readSet } from '../datasets/evaluation-set.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { share, wholeNumber } from '../report/numbers.mjs'
import { ProgressLine } from '../report/progress.mjs'
import { textTable } from '../report/table.mjs'
import { plansFor, trueNeighbours, tryModel } from './trials.mjs'

const HELP = `Trains cluster tokens on every data set there is and says how many of the test queries' true ten nearest are
within the first 100 and 300 candidates, beside the published recipe and the words of hash tables.

  NEARHASH_DATA=<folder> npm run bench:words -- [options]

NEARHASH_DATA names a folder of sets as for "npm run recall". Without it the bundled photo histograms are taken.
Training sees the base vectors only; the queries are asked afterwards.

  --queries <n>      at most so many queries a set (default: 1000)
  --threads <n>      of nearhash (default: all cores)
  --out <folder>     for words.json (default: benchmark/results)
  --help             this text
`

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

await runCommand('npm run bench:words', async (signal) => {
  const { values } = refuseUnknownArguments(() => parseArgs({
    allowPositionals: false,
    options: {
      queries: { type: 'string' }, threads: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean' },
    },
  }))
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const queries = parseInteger('--queries', values.queries ?? '1000', { from: 1, to: 1_000_000 })
  if (values.threads !== undefined) configure({ threads: parseInteger('--threads', values.threads, { from: 1, to: 1024 }) })
  const out = values.out ?? join(root, 'benchmark/results')

  const folder = process.env['NEARHASH_DATA']
  const readers = folder === undefined || folder === ''
    ? [() => readBundledSet({ queries, signal })]
    : (await findSets(folder)).map((path) => () => readSet(path, { queries, signal }))
  const machine = describeMachine()
  process.stdout.write(`${machineLine(machine)}\n\n`)

  const progress = new ProgressLine()
  /** @type {object[]} */
  const sets = []
  for (const [place, read] of readers.entries()) {
    progress.show({ stage: 'reading', done: place, total: readers.length })
    const set = await read()
    const truth = await trueNeighbours(set)
    /** @type {import('./trials.mjs').ModelTrial[]} */
    const models = []
    for (const plan of plansFor(set)) {
      progress.show({ stage: `${set.name}: ${plan.model}`, done: place, total: readers.length })
      models.push(await tryModel(set, plan, truth, signal))
    }
    progress.clear()
    process.stdout.write(describeSet(set, models))
    sets.push({ name: set.name, metric: set.metric, rows: set.base.shape[0], dim: set.base.shape[1], queries: truth.length, models })
  }
  await mkdir(out, { recursive: true })
  await writeFile(join(out, 'words.json'), `${JSON.stringify({ machine, sets }, null, 2)}\n`)
})

/**
 * @param {import('../datasets/evaluation-set.mjs').EvaluationSet} set
 * @param {import('./trials.mjs').ModelTrial[]} models
 */
function describeSet({ name, metric, base: { shape: [rows, dim] }, queries }, models) {
  const columns = [
    { title: 'model', align: /** @type {const} */ ('left') },
    { title: 'query', align: /** @type {const} */ ('left') },
    ...['words', 'in 100', 'in 300', 'postings / N', 'touched'].map((title) => ({ title })),
  ]
  const groups = models.map(({ model, queries }) => queries.map((trial, place) => [
    place === 0 ? model : '', `${trial.query}${trial.isDefault ? ' (default)' : ''}`, wholeNumber(trial.words),
    share(trial.within100), share(trial.within300), trial.postings.toFixed(2), share(trial.touched),
  ]))
  /** @param {import('./trials.mjs').Rate} rate */
  const rate = ({ milliseconds: { median, runs }, cpuMicroseconds }) =>
    `${wholeNumber(rows / median * 1000)} a second (median of ${runs}; ${cpuMicroseconds.toFixed(1)} µs of CPU each)`
  const lines = models.map(({ model, trainMs, text, codes, words }) => [
    `${model}: ${trainMs === null ? '' : `trained in ${(trainMs / 1000).toFixed(1)} s, `}encodes ${rate(text)} to words`,
    codes === undefined ? '' : `, ${rate(codes)} to codes`,
    `; ${wholeNumber(words)} different words`,
  ].join(''))
  return [
    `${name}: ${wholeNumber(rows)} x ${dim}, ${wholeNumber(queries.shape[0])} queries, ${metric}`,
    '',
    textTable(columns, groups),
    ...lines,
    '',
    '',
  ].join('\n')
}
