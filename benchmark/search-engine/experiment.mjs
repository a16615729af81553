import { performance } from 'node:perf_hooks'
import { ClusterTokens, knnSync } from 'nearhash'
import { answerOf, count, ours } from './asking.mjs'
import { fill, remove } from './filling.mjs'
import { measureQueries } from './measure.mjs'
import { measureNative } from './native.mjs'
import { RECIPES, recipeBody, scriptBody } from './rivals.mjs'
import { rowsOf } from './rows.mjs'

/**
 * @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet
 * @typedef {import('../datasets/collection.mjs').Matrix} Matrix
 * @typedef {import('./measure.mjs').QueryFigures} QueryFigures
 * @typedef {import('./server.mjs').Server} Server
 */

/**
 * @typedef {object} IngestFigures
 * @property {number} encodePerSecond vectors made into words, by all threads
 * @property {number} clientPerSecond documents read, encoded and written as requests that nobody answers
 * @property {number} documentsPerSecond end to end, refresh included
 * @property {number} seconds
 * @property {number} serverCpuSeconds
 */

/**
 * @typedef {object} IndexFigures
 * @property {string} name
 * @property {unknown} model as it describes itself, with what it found on held-out rows of the base
 * @property {number} trainSeconds
 * @property {IngestFigures} ingest
 * @property {number} storeBytes
 * @property {QueryFigures[]} queries
 */

/**
 * @typedef {object} SetFigures
 * @property {string} name
 * @property {string} metric
 * @property {number} rows
 * @property {number} dim
 * @property {number} queries
 * @property {string} vectorType
 * @property {IndexFigures[]} indices
 * @property {number} exactMilliseconds local exact scan, one query at a time, median
 */

/** The smallest type that holds the set's numbers. */
const VECTOR_TYPES = /** @type {const} */ ({ Uint8Array: 'uint8', Uint16Array: 'int16', Int16Array: 'int16' })

/**
 * @param {Matrix} matrix
 * @returns {'float32' | 'int16' | 'uint8'}
 */
export function vectorTypeOf({ data }) {
  const name = data.constructor.name
  return name in VECTOR_TYPES ? VECTOR_TYPES[/** @type {keyof typeof VECTOR_TYPES} */ (name)] : 'float32'
}

/**
 * One data set: the default model and query, more and fewer probes, the published recipe, exact search.
 *
 * @param {Server} server
 * @param {EvaluationSet} set with neighbours
 * @param {{ native: boolean, signal: AbortSignal, onProgress: (stage: string) => void }} options `native`: with the
 *   server's own k-NN, whose graph takes long to build
 * @returns {Promise<SetFigures>}
 */
export async function measureSet(server, set, { native, signal, onProgress }) {
  const [rows, dim] = set.base.shape
  const queries = set.queries.shape[0]
  const truth = truthOf(/** @type {Matrix} */ (set.neighbours))
  const vectorType = vectorTypeOf(set.base)
  const indices = []

  onProgress('training')
  const start = performance.now()
  // Rows of the base only: probes and rotation are chosen on held-out rows of it, before any query is seen.
  const model = await ClusterTokens.train(set.base, { metric: set.metric, signal })
  const trainSeconds = (performance.now() - start) / 1000
  {
    const { index, ingest, storeBytes } = await fill(server, set.base, model, vectorType, { signal, onProgress })
    onProgress('queries')
    const figures = []
    const all = [1, 2, 4, 8, 16, 24, model.probes].filter((probes) => probes * model.groups <= 900)
    for (const probes of [...new Set(all)].sort((a, b) => a - b)) {
      for (const candidates of [100, 300]) {
        const name = `weighted, t = ${probes}${probes === model.probes ? ' (default)' : ''}`
        figures.push(await measureQueries(server, { name, candidates, queries, signal, ...ours(server, index, set, { probes, candidates }, truth) }))
      }
    }
    // As many as can be waited for.
    const few = Math.min(queries, 10)
    const vectors = rowsOf(set.queries, few)
    // The archive and the jars of Elasticsearch come without scripts.
    if (server.flavour === 'opensearch') {
      onProgress('exact search by script')
      figures.push(
        await measureQueries(server, {
          name: 'exact, script score',
          candidates: 10,
          queries: few,
          signal,
          truth,
          warmUps: 3,
          ask: async (i) => answerOf(await server.ask('POST', `/${index.name}/_search`, scriptBody(vectors[i], vectorType, 10))),
        }),
      )
    }
    indices.push({ name: 'default', model: model.describe(), trainSeconds, ingest, storeBytes, queries: figures })
    await remove(server, index)
  }
  {
    onProgress('storage "lean"')
    const { index, ingest, storeBytes } = await fill(server, set.base, model, vectorType, { signal, onProgress, lean: true })
    const figures = [
      await measureQueries(server, {
        name: `weighted, t = ${model.probes} (default)`, candidates: 300, queries, signal,
        ...ours(server, index, set, { probes: model.probes, candidates: 300 }, truth),
      }),
    ]
    indices.push({ name: 'default, lean', model: model.modelHash, trainSeconds, ingest, storeBytes, queries: figures })
    await remove(server, index)
  }

  onProgress('the published recipe')
  {
    const start = performance.now()
    // Contiguous groups of its own size, the smaller of its two shapes where the vectors are short.
    const groups = dim >= 256 ? 32 : 16
    const published = await ClusterTokens.train(set.base, { metric: set.metric, groups, clusters: dim >= 256 ? 256 : 64, rotation: 'none', probes: 1, signal })
    const trainSeconds = (performance.now() - start) / 1000
    const { index, ingest, storeBytes } = await fill(server, set.base, published, vectorType, { signal, onProgress })
    onProgress('queries of the recipe')
    const words = await published.encode(set.queries)
    const figures = []
    for (const recipe of RECIPES) {
      for (const candidates of [100, 300]) {
        figures.push(
          await measureQueries(server, {
            name: recipe.name,
            candidates,
            queries,
            words: groups,
            truth,
            signal,
            ask: async (i) => answerOf(await server.ask('POST', `/${index.name}/_search`, recipeBody(recipe, words[i], candidates))),
            touched: (i) => count(server, index.name, recipeBody(recipe, words[i], candidates).query),
          }),
        )
      }
    }
    indices.push({ name: 'published recipe', model: published.describe(), trainSeconds, ingest, storeBytes, queries: figures })
    await remove(server, index)
  }

  if (native) indices.push(await measureNative(server, set, truth, { signal, onProgress }))

  onProgress('exact search here')
  const exactMilliseconds = exactHere(set)
  return { name: set.name, metric: set.metric, rows, dim, queries, vectorType, indices, exactMilliseconds }
}

/** @param {Matrix} neighbours */
function truthOf({ data, shape: [, width] }) {
  return (/** @type {number} */ i) => Array.from(data.subarray(i * width, i * width + 10), String)
}

/** @param {EvaluationSet} set */
function exactHere(set) {
  const few = Math.min(set.queries.shape[0], 20)
  const times = rowsOf(set.queries, few).map((vector) => {
    const start = performance.now()
    knnSync(set.base, [vector], { k: 10, metric: set.metric })
    return performance.now() - start
  })
  return times.toSorted((a, b) => a - b)[few >> 1]
}
