// npm run bench:floky: nearhash beside lsh-rs 0.4.0, the engine of the Python package floky, on one
// thread in one process. Builds the crate in this folder, runs it, names the machine in its JSON.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import os from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const help = `Usage: npm run bench:floky -- [options]

  --quick           fewer configurations and rounds (under half a minute after the build)
  --data <file>     .npy of uint16, rows x dim (default: the bundled 32,000 photo histograms)
  --queries <file>  .npy of uint16; its first 100 rows ask (default for the bundled points: 100 photos
                    that are not among them)
  --own-rows        the first 100 rows of the data ask, each one's own row ignored, as in the notebook
                    (default with --data)
  --out <file>      raw JSON (default: benchmark/results/floky.json)
  --generic-cpu     build for any CPU of this kind instead of for this one
  --help            this text
`

/** @param {string} message @returns {never} */
function stop(message) {
  console.error(`bench:floky: ${message}`)
  process.exit(1)
}

function options() {
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        data: { type: 'string' },
        queries: { type: 'string' },
        'own-rows': { type: 'boolean', default: false },
        out: { type: 'string', default: join(here, '../results/floky.json') },
        'generic-cpu': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : error}\n\n${help}`)
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} settings
 */
function run(command, args, settings) {
  const result = spawnSync(command, args, { stdio: 'inherit', ...settings, encoding: 'utf8' })
  if (result.error && 'code' in result.error && result.error.code === 'ENOENT') {
    stop(`${command} was not found. The benchmark needs stable Rust 1.89 or later: https://rustup.rs`)
  }
  if (result.error) stop(`${command}: ${result.error.message}`)
  if (result.signal) stop(`${command} was ended by ${result.signal}`)
  return result
}

const given = options()
if (given.help) {
  process.stdout.write(help)
  process.exit(0)
}
if (given.queries && given['own-rows']) stop('--queries and --own-rows exclude each other')
const bundled = join(here, '../data')
const data = resolve(given.data ?? join(bundled, 'photo-histograms-64-32000.npy'))
const heldOut = given.queries ?? (given.data ? undefined : join(bundled, 'photo-histograms-64-queries-100.npy'))
const queries = heldOut && !given['own-rows'] ? resolve(heldOut) : undefined
for (const file of [data, queries]) {
  if (file && !existsSync(file)) stop(`${file} does not exist`)
}

// Cargo takes its flags from the first of two variables that is set, so that one is added to.
const native = given['generic-cpu'] ? [] : ['-C', 'target-cpu=native']
/** @type {NodeJS.ProcessEnv} */
const environment = { ...process.env }
if (environment['CARGO_ENCODED_RUSTFLAGS']) {
  environment['CARGO_ENCODED_RUSTFLAGS'] = [environment['CARGO_ENCODED_RUSTFLAGS'], ...native].join('\x1f')
} else {
  environment['RUSTFLAGS'] = [environment['RUSTFLAGS'], ...native].filter(Boolean).join(' ')
}
// A fixed place, so that the program is found whatever the user's own target folder is.
environment['CARGO_TARGET_DIR'] = join(here, 'target')
environment['RAYON_NUM_THREADS'] = '1'
const settings = { cwd: here, env: environment }

const rustc = run('rustc', ['--version'], { ...settings, stdio: 'pipe' }).stdout.trim()
console.log('Building lsh-rs and nearhash in release mode ...')
const built = run('cargo', ['build', '--release', '--locked', '--quiet'], settings)
if (built.status !== 0) {
  stop('the build failed. If the lock file is out of date: cargo update --workspace in benchmark/floky')
}

const machine = {
  cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
  cores: os.availableParallelism(),
  memoryGiB: Math.round(os.totalmem() / 2 ** 30),
  os: `${os.type()} ${os.release()} ${os.arch()}`,
  rustc,
  rustFlags: environment['CARGO_ENCODED_RUSTFLAGS']?.replaceAll('\x1f', ' ') ?? environment['RUSTFLAGS'],
  date: new Date().toISOString(),
}
console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.os}; ${rustc}; one thread`)
console.log(
  native.length > 0
    ? 'Both are built with target-cpu=native, in favour of lsh-rs: it has no kernels of its own for\n' +
        "newer CPUs, while nearhash's choose at run time and its shipped build goes without the flag."
    : 'Both are built for any CPU of this kind.',
)
console.log('lsh-rs is built without BLAS and SQLite; its candidates are ranked by a vectorised loop.')

const args = ['--data', data, '--out', resolve(given.out), '--machine', JSON.stringify(machine)]
if (queries) args.push('--queries', queries)
if (given.quick) args.push('--quick')
const program = join(here, 'target/release', `nearhash-benchmark-floky${process.platform === 'win32' ? '.exe' : ''}`)
const finished = run(program, args, settings)
if (finished.status === 0) console.log(`Raw figures: ${resolve(given.out)}`)
process.exit(finished.status ?? 1)
