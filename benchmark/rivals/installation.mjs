import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('packages', import.meta.url))
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const IS_WINDOWS = process.platform === 'win32'

/** Where the Python environment is unless said: in the user's folder for caches. */
export const DEFAULT_PYTHON = join(
  process.env['XDG_CACHE_HOME'] ?? (IS_WINDOWS ? process.env['LOCALAPPDATA'] : undefined) ?? join(homedir(), '.cache'),
  'nearhash-benchmark', 'python',
)

/**
 * Installs the npm packages of rivals as their lock file has them, if that wasn't done yet. One of them is
 * compiled on the way, which takes a C++ compiler; without it the others are still there.
 *
 * @param {(what: string) => void} say
 * @returns {Promise<string | undefined>} why it failed
 */
export async function installPackages(say) {
  if (existsSync(join(FOLDER, 'node_modules', '.package-lock.json'))) return undefined
  say('installing the packages of rivals in benchmark/rivals/packages (npm ci)')
  const npm = process.env['npm_execpath']
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  return npm?.endsWith('.js')
    ? await run(process.execPath, [npm, ...args], { cwd: FOLDER })
    : await run('npm', args, { cwd: FOLDER, shell: IS_WINDOWS })
}

/**
 * @param {string} folder of a virtual environment
 * @returns {string | undefined} its Python, if it is there
 */
export function pythonIn(folder) {
  const path = IS_WINDOWS ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python3')
  return existsSync(path) ? path : undefined
}

/**
 * Makes a virtual environment with the packages of requirements.txt, two of which are compiled for this CPU.
 *
 * @param {string} folder may exist already, and is then brought up to date
 * @param {(what: string) => void} say
 * @returns {Promise<string | undefined>} why it failed
 */
export async function installPython(folder, say) {
  if (pythonIn(folder) === undefined) {
    say(`making a Python environment in ${folder}`)
    await mkdir(dirname(folder), { recursive: true })
    const failure = await run(IS_WINDOWS ? 'python' : 'python3', ['-m', 'venv', folder])
    if (failure !== undefined) return failure
  }
  say(`installing Python packages of rivals in ${folder}`)
  const python = pythonIn(folder) ?? 'python3'
  return await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS])
}

/** Research code without releases, so a commit stands for a version. */
const NATIVE = /** @type {const} */ ([
  {
    name: 'falconn', repository: 'https://github.com/FALCONN-LIB/FALCONN.git', commit: 'a4c0288edb2575b0306c5f6b4ab1f559b1e272a4',
    include: ['src/include', 'external/eigen', 'external/simple-serializer'],
  },
  {
    name: 'puffinn', repository: 'https://github.com/puffinn/puffinn.git', commit: 'fd86b0d6591450dcaf32aa8f7bd988f7301adb1a',
    include: ['include'],
  },
])

/** For this CPU, as their authors build them. */
const COMPILER_FLAGS = ['-std=c++17', '-O3', '-march=native', '-fopenmp', '-w', '-shared', '-fPIC', '-pthread']

/**
 * Compiles the C++ libraries that have no package, into the folder `native` of a virtual environment. Takes git, a
 * C++ compiler and a few minutes. Those that are there already are left as they are.
 *
 * @param {string} folder of the environment
 * @param {(what: string) => void} say
 * @returns {Promise<string | undefined>} why some of it failed
 */
export async function installNative(folder, say) {
  const native = join(folder, 'native')
  await mkdir(native, { recursive: true })
  const failures = []
  for (const { name, repository, commit, include } of NATIVE) {
    const [library, sources] = [join(native, `lib${name}.so`), join(native, `${name}-sources`)]
    if (existsSync(library)) continue
    say(`compiling ${name}`)
    const compiler = process.env['CXX'] ?? 'c++'
    const paths = include.flatMap((path) => ['-I', join(sources, path)])
    const failure = (existsSync(sources) ? undefined : await run('git', ['clone', '--quiet', repository, sources]))
      ?? await run('git', ['-C', sources, 'checkout', '--quiet', commit])
      ?? await run(compiler, [...COMPILER_FLAGS, ...paths, '-o', library, fileURLToPath(new URL(`native/${name}.cpp`, import.meta.url))])
    if (failure === undefined) {
      await writeFile(join(native, `${name}.json`), JSON.stringify({ version: commit.slice(0, 7), build: `C++, ${COMPILER_FLAGS.slice(0, 3).join(' ')}` }))
    } else {
      failures.push(`${name}: ${failure}`)
      await rm(sources, { recursive: true, force: true })
    }
  }
  return failures.length === 0 ? undefined : failures.join('; ')
}

/** @param {string} example @returns {string} path of the program, built or not */
export function engineWorker(example) {
  return join(ROOT, 'target', 'release', 'examples', `${example}${IS_WINDOWS ? '.exe' : ''}`)
}

/**
 * Builds the worker that calls the engine without Node, if its sources changed.
 *
 * @param {string} example
 * @param {(what: string) => void} say
 * @returns {Promise<string | undefined>} why it failed
 */
export async function buildEngineWorker(example, say) {
  say('building the engine without Node (cargo build --release)')
  // A fixed place, so that the program is found whatever the user's own target folder is.
  const args = ['build', '--release', '--locked', '--quiet', '-p', 'nearhash', '--example', example, '--target-dir', join(ROOT, 'target')]
  return await run('cargo', args, { cwd: ROOT })
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, shell?: boolean }} [options]
 * @returns {Promise<string | undefined>} the last lines of what it said when it failed
 */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said = `${said}${text}`.slice(-2000)
    })
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code) => resolve(code === 0 ? undefined : said.trim().split('\n').slice(-3).join(' / ') || `exit code ${code}`))
  })
}
