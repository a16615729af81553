import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseInteger, parseIntegers, refuseUnknownArguments } from '../command-line.mjs'

/**
 * @typedef {object} DemoOptions
 * @property {string} data path of a .npy or .csv file
 * @property {number} [queries] how many of the first rows are asked for; left out: QUERIES, or all rows of a smaller set
 * @property {readonly number[]} l2Projections values of k tried with L2
 * @property {readonly number[]} srpProjections values of k tried with SRP
 * @property {readonly number[]} tables values of L
 * @property {readonly number[]} probes budgets of multi-probe
 * @property {number} seed
 * @property {number} [threads] of nearhash's pool; left out: what nearhash chooses
 * @property {string} out folder of the results
 */

const BUNDLED = new URL('../data/photo-histograms-64-32000.npy', import.meta.url)
const RESULTS = new URL('../results/demo', import.meta.url)

/** Unless the data has fewer rows. */
export const QUERIES = 100

/** @type {Readonly<DemoOptions>} */
export const DEFAULTS = Object.freeze({
  data: fileURLToPath(BUNDLED),
  l2Projections: [15, 30],
  // Measured on the bundled histograms: the same k spans the same recalls as with L2. Smaller k meets
  // a quarter of all points, larger k needs hundreds of tables.
  srpProjections: [15, 30],
  tables: [5, 10, 15, 20, 50, 100],
  probes: [10, 15, 20, 50, 100],
  seed: 1,
  out: fileURLToPath(RESULTS),
})

export const HELP = `Recall and time of LSH beside exact search, on bundled photo histograms or on your own points.

  npm run demo -- [options]

  --data <file>      points, one a row: a .npy matrix, or a .csv with or without a line of column names
                     (default: 32,000 photo histograms of 64 numbers, bundled)
  --queries <n>      the first n rows are the queries, each one's own row ignored (default: ${QUERIES})
  --k <list>         hash functions a table, 1 to 64 (default: ${DEFAULTS.l2Projections} for L2, ${DEFAULTS.srpProjections} for SRP)
  --tables <list>    hash tables (default: ${DEFAULTS.tables}); multi-probe runs on the fewest
  --probes <list>    multi-probe budgets: further buckets a table (default: ${DEFAULTS.probes})
  --seed <n>         of the hash functions (default: ${DEFAULTS.seed})
  --threads <n>      for nearhash and exact search alike (default: all cores)
  --out <folder>     where report.html, the figures and results.json go (default: benchmark/results/demo)
  --help             this text

Lists are whole numbers parted by commas, such as --tables 5,10,20.
`

/**
 * @param {readonly string[]} args as typed after the command
 * @returns {DemoOptions | 'help'}
 * @throws {import('../command-line.mjs').UsageError}
 */
export function readOptions(args) {
  const { values } = refuseUnknownArguments(() => parseArgs({
    args: [...args],
    allowPositionals: false,
    options: {
      data: { type: 'string' },
      queries: { type: 'string' },
      k: { type: 'string' },
      tables: { type: 'string' },
      probes: { type: 'string' },
      seed: { type: 'string' },
      threads: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean' },
    },
  }))
  if (values.help) return 'help'

  /** @type {DemoOptions} */
  const options = { ...DEFAULTS }
  if (values.data !== undefined) options.data = values.data
  if (values.out !== undefined) options.out = values.out
  if (values.queries !== undefined) options.queries = parseInteger('--queries', values.queries, { from: 1, to: 1_000_000 })
  if (values.k !== undefined) {
    options.l2Projections = options.srpProjections = parseIntegers('--k', values.k, { from: 1, to: 64 })
  }
  if (values.tables !== undefined) options.tables = parseIntegers('--tables', values.tables, { from: 1, to: 10_000 })
  if (values.probes !== undefined) options.probes = parseIntegers('--probes', values.probes, { from: 0, to: 100_000 })
  if (values.seed !== undefined) options.seed = parseInteger('--seed', values.seed, { from: 0, to: Number.MAX_SAFE_INTEGER })
  if (values.threads !== undefined) options.threads = parseInteger('--threads', values.threads, { from: 1, to: 1024 })
  return options
}
