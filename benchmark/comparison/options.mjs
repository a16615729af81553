import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseInteger, parseIntegers, refuseUnknownArguments, UsageError } from '../command-line.mjs'
import { RIVALS } from '../rivals/catalogue.mjs'
import { DEFAULT_PYTHON } from '../rivals/installation.mjs'

/**
 * @typedef {object} ComparisonOptions
 * @property {boolean} quick
 * @property {boolean} growth measure time against the number of points instead
 * @property {readonly number[]} sizes of that
 * @property {readonly string[]} [sets] names of folders in NEARHASH_DATA; all of them unless said
 * @property {readonly string[]} [rivals] ids; all that make sense unless said
 * @property {readonly number[]} [depths] values of k; chosen unless said
 * @property {number} threads of the second part
 * @property {number} rounds
 * @property {'wall' | 'cpu'} clock
 * @property {boolean} install npm packages of rivals when they are missing
 * @property {boolean} installPython
 * @property {boolean} engine measure nearhash without Node too
 * @property {string} python folder of a virtual environment
 * @property {string} [redis] URL of a server
 * @property {boolean} report make the report again from what was measured before
 * @property {string} out
 */

const RESULTS = fileURLToPath(new URL('../results/bench', import.meta.url))
const SIZES = [10_000, 30_000, 100_000, 300_000, 1_000_000]
const ROUNDS = { full: 7, quick: 3 }

export const HELP = `nearhash beside other vector search: recall against time, one thread and all threads, builds, memory.

  NEARHASH_DATA=<folder> npm run bench -- [options]

NEARHASH_DATA names a folder of sets (see benchmark/data/README.md); without it the bundled photo histograms are used.

  --quick             two minutes: parts of the sets, fewer rivals, settings and rounds
  --growth            time against the number of points, ${SIZES.map((size) => size.toLocaleString('en-US')).join(', ')}, on one set
  --sizes <list>      other numbers of points for --growth
  --sets <list>       names of sets (default: all; with --growth: the one of fewest dimensions)
  --rivals <list>     of ${RIVALS.map(({ id }) => id).join(', ')}
                      (default: all; with --growth and --quick fewer)
  --k <list>          neighbours asked for (default: 1, 10 and 100; with --quick and --growth: 10); 10 always is among them
  --threads <n>       for the second part, in which each does what it can; 1 leaves it out (default: all cores)
  --rounds <n>        in which every setting is timed once (default: ${ROUNDS.full}, with --quick ${ROUNDS.quick})
  --clock <name>      wall, or cpu: CPU time, for a machine that is busy with other things (default: wall); both are kept
  --no-install        don't install missing npm packages of rivals
  --install-python    install rivals that are driven from Python: hnswlib, FAISS, Annoy, NumPy by pip;
                      FALCONN and PUFFINN from source, where git and a C++ compiler are
  --python <folder>   virtual environment for them (default: ${DEFAULT_PYTHON.replace(os.homedir(), '~')})
  --engine            measure nearhash called from Rust as well (builds it with cargo)
  --redis <url>       of a server of Redis 8 or later, to measure its vector sets; the key nearhash-benchmark is overwritten
  --report            measure nothing, make the report again from the numbers in --out
  --out <folder>      where report.html, figures, table.md and the numbers go (default: benchmark/results/bench)
  --help              this text

Lists are parted by commas. Rivals that aren't there are left out and named, with the reason.
`

/**
 * @param {readonly string[]} args as typed after the command
 * @returns {ComparisonOptions | 'help'}
 * @throws {UsageError}
 */
export function readOptions(args) {
  const { values } = refuseUnknownArguments(() => parseArgs({
    args: [...args],
    allowPositionals: false,
    options: {
      quick: { type: 'boolean' },
      growth: { type: 'boolean' },
      sizes: { type: 'string' },
      sets: { type: 'string' },
      rivals: { type: 'string' },
      k: { type: 'string' },
      threads: { type: 'string' },
      rounds: { type: 'string' },
      clock: { type: 'string' },
      'no-install': { type: 'boolean' },
      'install-python': { type: 'boolean' },
      python: { type: 'string' },
      engine: { type: 'boolean' },
      redis: { type: 'string' },
      report: { type: 'boolean' },
      out: { type: 'string' },
      help: { type: 'boolean' },
    },
  }))
  if (values.help) return 'help'
  const { quick = false, growth = false, clock = 'wall' } = values
  if (clock !== 'wall' && clock !== 'cpu') throw new UsageError(`--clock ${JSON.stringify(clock)}: wall or cpu is needed`)
  if (values.sizes !== undefined && !growth) throw new UsageError('--sizes is for --growth only')

  /** @type {ComparisonOptions} */
  const options = {
    quick, growth, clock,
    sizes: values.sizes === undefined ? SIZES : parseIntegers('--sizes', values.sizes, { from: 1000, to: 10_000_000 }),
    threads: values.threads === undefined ? os.availableParallelism() : parseInteger('--threads', values.threads, { from: 1, to: 1024 }),
    rounds: values.rounds === undefined ? ROUNDS[quick ? 'quick' : 'full'] : parseInteger('--rounds', values.rounds, { from: 1, to: 1000 }),
    install: !values['no-install'],
    installPython: values['install-python'] ?? false,
    report: values.report ?? false,
    engine: values.engine ?? false,
    python: values.python ?? DEFAULT_PYTHON,
    out: values.out ?? RESULTS,
  }
  if (values.sets !== undefined) options.sets = parseNames('--sets', values.sets)
  if (values.rivals !== undefined) options.rivals = parseNames('--rivals', values.rivals, RIVALS.map(({ id }) => id))
  if (values.k !== undefined) options.depths = parseIntegers('--k', values.k, { from: 1, to: 100 })
  if (values.redis !== undefined) options.redis = parseRedisUrl(values.redis)
  return options
}

/**
 * @param {string} option
 * @param {string} text names parted by commas
 * @param {readonly string[]} [known]
 * @returns {string[]} each once
 */
export function parseNames(option, text, known) {
  const names = [...new Set(text.split(',').map((name) => name.trim()).filter(Boolean))]
  const unknown = names.find((name) => known && !known.includes(name))
  if (names.length === 0 || unknown !== undefined) {
    const allowed = known ? `any of ${known.join(', ')}, parted by commas, are needed` : 'names parted by commas are needed'
    throw new UsageError(`${option} ${JSON.stringify(unknown ?? text)}: ${allowed}`)
  }
  return names
}

/** @param {string} text @returns {string} */
function parseRedisUrl(text) {
  if (!/^rediss?:\/\/[^/\s]+/.test(text)) throw new UsageError(`--redis ${JSON.stringify(text)}: a URL such as redis://localhost:6379 is needed`)
  return text
}
