import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { knnSync } from 'nearhash'
import { findRelease } from '../../scripts/engine-releases.mjs'
import { parseInteger, parseIntegers, refuseUnknownArguments, runCommand, UsageError } from '../command-line.mjs'
import { findSets, readBundledSet, readSet } from '../datasets/evaluation-set.mjs'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { renderPng, renderSvg } from '../report/render.mjs'
import { milliseconds, share, wholeNumber } from '../report/numbers.mjs'
import { ProgressLine } from '../report/progress.mjs'
import { textTable } from '../report/table.mjs'
import { measureSet } from './experiment.mjs'
import { costFigure } from './figure.mjs'
import { measureGrowth } from './growth.mjs'
import { startServer } from './server.mjs'

/**
 * @typedef {object} Results
 * @property {import('../measure/machine.mjs').Machine} machine
 * @property {string} engine
 * @property {string} heap
 * @property {import('./experiment.mjs').SetFigures[]} sets
 * @property {import('./growth.mjs').GrowthFigures[]} growth
 */

const QUERY_COLUMNS = [
  { title: 'query', align: /** @type {const} */ ('left') }, { title: 'candidates' }, { title: 'words' }, { title: 'recall' }, { title: '< 10 hits' },
  { title: 'touched' }, { title: 'ms' }, { title: 'server ms' }, { title: 'CPU ms' },
]

const HELP = `Words in a real search engine: recall, time, size and ingestion of the default model and query, beside the
published recipe and exact search.

  NEARHASH_DATA=<folder> npm run bench:engine -- [options]

Without NEARHASH_DATA the bundled photo histograms are measured. Needs Java and Maven.

  --engine <name>    opensearch (default) or elasticsearch
  --version <number> of it, or the beginning, for instance 3 (default: the first of those that the tests run against)
  --queries <n>      a set (default: 200)
  --sets <names>     parted by commas, or none (default: all)
  --growth <sizes>   documents, parted by commas (default: 10000,100000,1000000), or none; photo histograms only
  --quick            the bundled photo histograms alone, 50 queries, no growth: one or two minutes
  --without-native   leave the server's own k-NN out: its graph takes long to build
  --heap <size>      of the server, as Java writes it (default: 1g)
  --out <folder>     for results.json and the figure (default: benchmark/results/search-engine)
  --help             this text

The server's CPU time a query is the figure that compares between runs; times of a busy machine do not.
`

await runCommand('npm run bench:engine', async (signal) => {
  const { values } = refuseUnknownArguments(() => parseArgs({
    allowPositionals: false,
    options: {
      engine: { type: 'string', default: 'opensearch' }, version: { type: 'string' }, queries: { type: 'string', default: '200' },
      sets: { type: 'string' }, growth: { type: 'string', default: '10000,100000,1000000' },
      heap: { type: 'string', default: '1g' }, out: { type: 'string', default: 'benchmark/results/search-engine' },
      'without-native': { type: 'boolean', default: false }, quick: { type: 'boolean', default: false }, help: { type: 'boolean' },
    },
  }))
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const release = releaseOf(values.engine, values.version)
  const { quick } = values
  const queries = quick ? 50 : parseInteger('--queries', values.queries, { from: 1, to: 10_000 })
  const sizes = quick || values.growth === 'none' ? [] : parseIntegers('--growth', values.growth, { from: 1000, to: 10_000_000 })
  const native = !values['without-native']
  const out = resolve(values.out)
  await mkdir(out, { recursive: true })

  const wanted = values.sets?.split(',')
  const folder = quick ? '' : process.env['NEARHASH_DATA']
  const found = folder === undefined || folder === '' ? [] : await findSets(folder)
  const bundled = async () => withNeighbours(await readBundledSet({ queries, signal }))
  const chosen = found.filter((path) => wanted === undefined || wanted.some((name) => path.endsWith(name)))
  const readers = found.length === 0 && values.sets !== 'none' ? [bundled] : chosen.map((path) => () => readSet(path, { queries, signal }))

  const machine = describeMachine()
  process.stdout.write(`${machineLine(machine)}\n\n`)
  const server = await startServer(release, values.heap)
  const progress = new ProgressLine()
  /** @type {Results} */
  const results = { machine, engine: server.name, heap: values.heap, sets: [], growth: [] }
  try {
    for (const [place, read] of readers.entries()) {
      const set = await read()
      const onProgress = (/** @type {string} */ stage) => progress.show({ stage: `${set.name}: ${stage}`, done: place, total: readers.length })
      const figures = await measureSet(server, set, { native, signal, onProgress })
      progress.clear()
      results.sets.push(figures)
      process.stdout.write(setText(figures))
      await write(out, results)
    }
    if (sizes.length > 0) {
      const photos = found.find((path) => path.includes('photo'))
      const set = photos === undefined ? await bundled() : await readSet(photos, { queries, signal })
      const onProgress = (/** @type {string} */ stage) => progress.show({ stage, done: readers.length, total: readers.length + 1 })
      for await (const step of measureGrowth(server, set, sizes, { native, signal, onProgress })) {
        progress.clear()
        results.growth.push(step)
        process.stdout.write(growthText([step]))
        await write(out, results)
      }
    }
  } finally {
    progress.clear()
    await server.stop()
  }
  process.stdout.write(`Written to ${out}.\n`)
})

/** @param {string} flavour @param {string | undefined} version */
function releaseOf(flavour, version) {
  try {
    return findRelease(flavour, version)
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message)
  }
}

/** @param {import('../datasets/evaluation-set.mjs').EvaluationSet} set */
function withNeighbours(set) {
  const found = knnSync(set.base, set.queries, { k: 100, metric: set.metric })
  return { ...set, neighbours: { data: Uint32Array.from(found.ids), shape: /** @type {[number, number]} */ ([found.length, found.k]) } }
}

/** @param {string} out @param {Results} results */
async function write(out, results) {
  await writeFile(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
  const svg = await renderSvg(costFigure(results))
  await writeFile(join(out, 'cost.svg'), svg)
  await writeFile(join(out, 'cost.png'), renderPng(svg))
}

/** @param {import('./measure.mjs').QueryFigures} figures */
function queryCells({ name, candidates, words, recall, few, touched, milliseconds: time, serverMilliseconds, cpuMilliseconds }) {
  return [
    name, wholeNumber(candidates), words === undefined ? '' : wholeNumber(words), share(recall), share(few),
    touched === undefined ? '' : wholeNumber(touched), milliseconds(time.median), milliseconds(serverMilliseconds), milliseconds(cpuMilliseconds),
  ]
}

/** @param {import('./experiment.mjs').IngestFigures} ingest @param {number} trainSeconds @param {number} storeBytes */
function ingestLine(ingest, trainSeconds, storeBytes) {
  const own = trainSeconds === 0 ? '' : `trained in ${trainSeconds.toFixed(1)} s; encoding ${wholeNumber(ingest.encodePerSecond)} a second, requests ${wholeNumber(ingest.clientPerSecond)} a second, `
  return `${own}ingestion ${wholeNumber(ingest.documentsPerSecond)} a second (${ingest.serverCpuSeconds.toFixed(1)} CPU s of the server); ${(storeBytes / 1e6).toFixed(1)} MB on disk`
}

/** @param {import('./experiment.mjs').SetFigures} set */
function setText(set) {
  const head = `${set.name}: ${wholeNumber(set.rows)} × ${set.dim}, ${set.metric}, ${set.queries} queries, vectors as ${set.vectorType}; `
    + `exact scan here ${milliseconds(set.exactMilliseconds)} ms a query\n`
  const parts = set.indices.map(({ name, trainSeconds, ingest, storeBytes, queries }) =>
    `\n${name}: ${ingestLine(ingest, trainSeconds, storeBytes)}\n${textTable(QUERY_COLUMNS, [queries.map(queryCells)])}`)
  return `${head}${parts.join('')}\n`
}

/** @param {Results['growth']} growth */
function growthText(growth) {
  return growth.map(({ documents, kind, trainSeconds, ingest, storeBytes, queries }) =>
    `${wholeNumber(documents)} documents, ${kind}: ${ingestLine(ingest, trainSeconds, storeBytes)}\n${textTable(QUERY_COLUMNS, [queries.map(queryCells)])}\n`).join('')
}
