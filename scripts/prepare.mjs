// What a fresh clone needs before anything runs: packages, the native add-on, compiled TypeScript. Each step is done
// when its inputs changed. Plain Node: nothing is installed yet.

import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run, runNpm, runPackage, say, StepError } from './command.mjs'
import { hashOf, isStamped, stamp } from './stamp.mjs'

/** Where the add-on and its loader are built; the loader is committed and compared with what lies here. */
export const BUILT = join('target', 'node')

/** What `napi build` makes beside the add-on. */
export const LOADER = /** @type {const} */ (['binding.cjs', 'binding.d.cts'])

/**
 * Bring everything up to date that is not committed.
 *
 * @param {() => void} [onAddon] called when the add-on and its loader are built
 * @param {object} [options]
 * @param {boolean} [options.addon] build the add-on; default: true
 * @throws {StepError} with what to do about it
 */
export async function prepare(onAddon, { addon = true } = {}) {
  checkNode()
  await installPackages()
  if (addon) await buildAddon()
  onAddon?.()
  await compileTypeScript()
}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const wanted = /** @type {string} */ (engines.node).replace('>=', '')
  if (isOlder(process.versions.node, wanted)) {
    throw new StepError(
      `Node ${wanted} or later is needed, this is ${process.versions.node}. Install it from https://nodejs.org.`,
    )
  }
}

/**
 * @param {string} version
 * @param {string} wanted
 */
function isOlder(version, wanted) {
  const parts = version.split('.').map(Number)
  for (const [i, part] of wanted.split('.').map(Number).entries()) {
    if (parts[i] !== part) return (parts[i] ?? 0) < part
  }
  return false
}

async function installPackages() {
  const hash = hashOf(['package-lock.json'])
  // Written by npm when an installation is complete.
  const complete = existsSync(join(ROOT, 'node_modules', '.package-lock.json'))
  if (complete && isStamped('packages', hash)) return
  await step('installing development packages (npm ci)', () => runNpm(['ci', '--no-audit', '--no-fund']))
  stamp('packages', hash)
}

/** Rust's own words for its version, after a check that it is there and recent enough. */
async function checkRust() {
  const manifest = readFileSync(join(ROOT, 'Cargo.toml'), 'utf8')
  const wanted = /^rust-version = "(.+)"$/m.exec(manifest)?.[1] ?? ''
  const { ok, output } = await run('rustc', ['--version'])
  const cargo = await run('cargo', ['--version'])
  if (!ok || !cargo.ok) {
    throw new StepError(
      `stable Rust ${wanted} or later is needed to build the native add-on, and ${ok ? 'cargo' : 'rustc'} was not found. ` +
        'Install it from https://rustup.rs, open a new terminal and try again.',
    )
  }
  const version = /^rustc (\d+\.\d+\.\d+)/.exec(output)?.[1] ?? '0'
  if (isOlder(version, wanted)) {
    throw new StepError(`Rust ${wanted} or later is needed, this is ${version}. Run "rustup update stable".`)
  }
  return output
}

async function buildAddon() {
  const { napi } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const sources = [
    'Cargo.toml',
    'Cargo.lock',
    '.cargo',
    'crates/nearhash/Cargo.toml',
    'crates/nearhash/src',
    'bindings/Cargo.toml',
    'bindings/build.rs',
    'bindings/src',
  ]
  const hash = hashOf(sources, JSON.stringify(napi), process.platform, process.arch)
  const done = LOADER.every((file) => existsSync(join(ROOT, BUILT, file)))
  const addon = isStamped('addon', hash) && done ? addonFile() : undefined
  if (addon !== undefined && existsSync(join(ROOT, 'bindings', addon))) return
  await checkRust()
  mkdirSync(join(ROOT, BUILT), { recursive: true })
  await step('building the native add-on (cargo build --release); the first time takes a minute or two', () =>
    runPackage('@napi-rs/cli/dist/cli.js', [
      ...['build', '--platform', '--release', '--no-const-enum'],
      ...['--manifest-path', 'bindings/Cargo.toml', '--package-json-path', 'package.json', '--target-dir', 'target'],
      ...['--output-dir', BUILT, '--js', LOADER[0], '--dts', LOADER[1]],
      ...(process.env['CI'] ? ['--', '--locked'] : []),
    ]),
  )
  const built = addonFile()
  if (built === undefined) throw new StepError(`the build left no add-on in ${BUILT}`)
  // By way of a new file: a running process may have the old one mapped.
  const place = join(ROOT, 'bindings', built)
  copyFileSync(join(ROOT, BUILT, built), `${place}.new`)
  rmSync(place, { force: true })
  renameSync(`${place}.new`, place)
  stamp('addon', hash)
}

/** Name of the add-on for this platform as the loader asks for it, when it was built. */
function addonFile() {
  const loader = join(ROOT, BUILT, LOADER[0])
  if (!existsSync(loader)) return undefined
  const names = readFileSync(loader, 'utf8').match(/(?<=require\('\.\/)nearhash\.[^']+\.node(?='\))/g) ?? []
  return names.find((name) => existsSync(join(ROOT, BUILT, name)))
}

async function compileTypeScript() {
  const hash = hashOf(['tsconfig.json', 'bindings/ts', 'bindings/binding.d.cts', 'package-lock.json'])
  if (isStamped('typescript', hash) && existsSync(join(ROOT, 'dist', 'index.js'))) return
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true })
  await step('compiling TypeScript (tsc)', () => runPackage('typescript/bin/tsc', []))
  stamp('typescript', hash)
}

/**
 * @param {string} what
 * @param {() => Promise<import('./command.mjs').Outcome>} work
 */
async function step(what, work) {
  say(what)
  const { ok, output, code } = await work()
  if (ok) return
  process.stderr.write(output.endsWith('\n') ? output : `${output}\n`)
  throw new StepError(`failed: ${what}, exit code ${code}; its output is above`)
}
