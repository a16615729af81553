import { performance } from 'node:perf_hooks'
import { ClusterTokens, knnSync } from 'nearhash'
import { firstRows } from '../datasets/collection.mjs'
import { ours } from './asking.mjs'
import { fill, remove } from './filling.mjs'
import { measureQueries } from './measure.mjs'
import { measureNative } from './native.mjs'

/** @typedef {import('./experiment.mjs').IndexFigures} IndexFigures */
/** @typedef {Omit<IndexFigures, 'name'> & { documents: number, kind: string, clusters: number }} GrowthFigures */
/** @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet */
/** @typedef {import('../datasets/collection.mjs').Matrix} Matrix */
/** @typedef {import('./server.mjs').Server} Server */

/**
 * The same figures for more and more documents, up to a million, of real rows with jitter.
 *
 * @param {Server} server
 * @param {EvaluationSet} full
 * @param {readonly number[]} sizes ascending
 * @param {{ native: boolean, signal: AbortSignal, onProgress: (stage: string) => void }} options
 * @returns {AsyncGenerator<GrowthFigures>}
 */
export async function* measureGrowth(server, full, sizes, { native, signal, onProgress }) {
  const set = { ...full, queries: firstRows(full.queries, Math.min(full.queries.shape[0], 100)) }
  const largest = /** @type {number} */ (sizes.at(-1))
  onProgress('jitter')
  const all = jittered(set.base, largest)
  const queries = set.queries.shape[0]
  for (const size of sizes) {
    onProgress(`${size} documents: training`)
    const base = firstRows(all, size)
    const truth = exactTruth(base, set.queries, set.metric)
    const clusters = size >= 300_000 ? 1024 : 256
    {
      const start = performance.now()
      // Some ten thousands of them are enough, and the validation searches all it is given.
      const sample = firstRows(base, Math.min(size, 100_000))
      const model = await ClusterTokens.train(sample, { metric: set.metric, clusters, signal })
      const trainSeconds = (performance.now() - start) / 1000
      const { index, ingest, storeBytes } = await fill(server, base, model, 'int16', {
        signal,
        onProgress: (stage) => onProgress(`${size} documents, ${clusters} clusters: ${stage}`),
      })
      const figures = []
      const probed = [...new Set([4, model.probes, clusters > 256 ? 16 : 8])].sort((a, b) => a - b)
      for (const probes of probed) {
        for (const candidates of [100, 300, 1000]) {
          onProgress(`${size} documents, ${clusters} clusters: queries, t = ${probes}`)
          const name = `weighted, t = ${probes}${probes === model.probes ? ' (default)' : ''}`
          figures.push(await measureQueries(server, { name, candidates, queries, signal, ...ours(server, index, set, { probes, candidates }, truth) }))
        }
      }
      figures.push(await measureQueries(server, { ...ours(server, index, set, { matching: 'words', candidates: 300 }, truth), name: 'counted words', candidates: 300, queries, signal }))
      yield { documents: size, kind: `${clusters} clusters`, clusters, model: model.describe(), trainSeconds, ingest, storeBytes, queries: figures }
      await remove(server, index)
    }
    // Building the graph takes too long for more.
    if (native && size <= 200_000) {
      const { name, ...figures } = await measureNative(server, { ...set, base }, truth, { signal, onProgress: (stage) => onProgress(`${size} documents: ${stage}`) })
      yield { documents: size, kind: name, clusters: 0, ...figures }
    }
  }
}

/** @param {Matrix} base @param {Matrix} queries @param {'euclidean' | 'cosine'} metric */
function exactTruth(base, queries, metric) {
  const found = knnSync(base, queries, { k: 10, metric })
  return (/** @type {number} */ i) => Array.from(found.at(i).ids, String)
}

/**
 * The rows themselves, then copies with every count moved by up to a tenth, at least by one where there is something.
 *
 * @param {Matrix} base of small integers
 * @param {number} count
 * @returns {Matrix}
 */
export function jittered({ data, shape: [rows, dim] }, count) {
  const made = new Int16Array(count * dim)
  let state = 1
  // A linear congruential generator with 32 bits is enough for noise, and the same everywhere.
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  for (let i = 0; i < count * dim; i++) {
    const value = data[i % (rows * dim)]
    const noise = i < rows * dim || value === 0 ? 0 : Math.round((2 * random() - 1) * Math.max(1, value / 10))
    made[i] = Math.max(0, value + noise)
  }
  return { data: made, shape: [count, dim] }
}
