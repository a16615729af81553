import { setMaxListeners } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runCommand } from '../command-line.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { growthText, setText } from '../report/comparison-text.mjs'
import { ProgressLine } from '../report/progress.mjs'
import { ENGINE_WORKER } from '../rivals/engine.mjs'
import { buildEngineWorker, installNative, installPackages, installPython } from '../rivals/installation.mjs'
import { HELP, readOptions } from './options.mjs'
import { NUMBERS, writeReport } from './report.mjs'
import { chooseRivals, runComparison } from './session.mjs'

await runCommand('npm run bench', async (signal) => {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(HELP)
    return
  }
  // npm runs scripts in the package's folder and says where the person stood.
  const here = process.env['npm_lifecycle_event'] === undefined ? process.cwd() : process.env['INIT_CWD'] ?? process.cwd()
  const outFolder = resolve(here, options.out)
  // Before the long part: a folder that can't be made would lose its results.
  await mkdir(outFolder, { recursive: true })
  if (!options.report) await measure({ ...options, python: resolve(here, options.python) }, outFolder, signal)
  const { files, table } = await writeReport(outFolder)
  if (table !== undefined) process.stdout.write(`${table}\n`)
  process.stdout.write(`Written to ${outFolder}:\n${files.map((name) => `  ${name}\n`).join('')}`)
})

/**
 * @param {import('./options.mjs').ComparisonOptions} options
 * @param {string} outFolder
 * @param {AbortSignal} signal
 */
async function measure(options, outFolder, signal) {
  const say = (/** @type {string} */ what) => process.stderr.write(`${what}\n`)
  process.stdout.write(`${machineLine(describeMachine())}\n\n`)
  const isEngineAsked = chooseRivals(options).some(({ runtime }) => runtime === 'rust')
  const failures = [
    ['npm packages of rivals', options.install ? await installPackages(say) : undefined],
    ['Python packages of rivals', options.installPython ? await installPython(options.python, say) : undefined],
    ['C++ libraries of rivals', options.installPython ? await installNative(options.python, say) : undefined],
    ['the engine without Node', isEngineAsked ? await buildEngineWorker(ENGINE_WORKER, say) : undefined],
  ]
  for (const [what, failure] of failures) if (failure !== undefined) say(`${what} could not be installed: ${failure}`)

  // Every worker listens to it.
  setMaxListeners(100, signal)
  const folder = await mkdtemp(join(tmpdir(), 'nearhash-bench-'))
  const progress = new ProgressLine()
  try {
    const results = await runComparison(options, {
      folder, signal,
      onProgress: (step) => progress.show(step),
      // Each set is safe as soon as it is measured: a full run takes long.
      onSet: async (results) => {
        progress.clear()
        await writeFile(join(outFolder, NUMBERS[results.kind]), `${JSON.stringify(results, null, 1)}\n`)
        if (results.kind === 'comparison') process.stdout.write(`${setText(results, results.sets[results.sets.length - 1])}\n`)
      },
    })
    if (results.kind === 'growth') process.stdout.write(`${growthText(results)}\n`)
  } finally {
    progress.clear()
    await rm(folder, { recursive: true, force: true })
  }
}
