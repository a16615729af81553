import { mkdir, writeFile } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { configure } from 'nearhash'
import { runCommand } from '../command-line.mjs'
import { readCollection } from '../datasets/collection.mjs'
import { runExperiment } from './experiment.mjs'
import { HELP, QUERIES, readOptions } from './options.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { sixPanels } from '../report/figure.mjs'
import { htmlReport } from '../report/html.mjs'
import { ProgressLine } from '../report/progress.mjs'
import { renderPng, renderSvg } from '../report/render.mjs'
import { familyText, introductionText } from '../report/text.mjs'

await runCommand('npm run demo', async (signal) => {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(HELP)
    return
  }
  // npm runs scripts in the package's folder and says where the person stood.
  const here = process.env['npm_lifecycle_event'] === undefined ? process.cwd() : process.env['INIT_CWD'] ?? process.cwd()
  const dataPath = resolve(here, options.data)
  const outFolder = resolve(here, options.out)
  // Before the long part: a folder that can't be made would lose its results.
  await mkdir(outFolder, { recursive: true })
  if (options.threads !== undefined) configure({ threads: options.threads })

  const progress = new ProgressLine()
  /** @type {import('../datasets/collection.mjs').Collection} */
  let points
  /** @type {import('./experiment.mjs').Experiment} */
  let experiment
  const dataName = basename(dataPath, extname(dataPath))
  const machine = describeMachine()
  try {
    progress.show({ stage: `reading ${basename(dataPath)}`, done: 0, total: 1 })
    points = await readCollection(dataPath, { signal })
    progress.clear()
    process.stdout.write(`${dataName}${points.header ? ', first line taken as column names' : ''}\n${machineLine(machine)}\n\n`)
    const queries = options.queries ?? Math.min(QUERIES, points.shape[0])
    experiment = await runExperiment(points, { ...options, queries }, { signal, onProgress: (step) => progress.show(step) })
    progress.show({ stage: 'figures', done: 1, total: 1 })
  } finally {
    progress.clear()
  }

  process.stdout.write(`${introductionText(experiment)}\n`)
  for (const result of experiment.families) process.stdout.write(`${familyText(experiment, result)}\n`)

  /** @type {Record<string, string | Buffer>} */
  const files = {}
  const families = []
  for (const result of experiment.families) {
    signal.throwIfAborted()
    const spec = sixPanels(experiment, result, { dataName, threads: machine.threads })
    const svg = await renderSvg(spec)
    const name = result.family.toLowerCase()
    files[`${name}.vl.json`] = json(spec)
    files[`${name}.svg`] = svg
    files[`${name}.png`] = renderPng(svg)
    families.push({ result, svg })
  }
  const data = { name: dataName, type: points.type, header: points.header, rows: experiment.rows, dim: experiment.dim }
  files['results.json'] = json({ machine, data, ...experiment })
  files['report.html'] = htmlReport({ experiment, machine, dataName, families })
  for (const [name, content] of Object.entries(files)) await writeFile(join(outFolder, name), content)
  process.stdout.write(`Written to ${outFolder}:\n${Object.keys(files).map((name) => `  ${name}\n`).join('')}`)
})

/** @param {unknown} value */
function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`
}
