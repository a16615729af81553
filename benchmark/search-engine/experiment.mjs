import { performance } from 'node:perf_hooks'
import { ClusterTokens, knnSync } from 'nearhash'
import { SearchEngineIndex } from 'nearhash/search-engine'
import { firstRows } from '../datasets/collection.mjs'
import { measureQueries } from './measure.mjs'
import { nativeBody, nativeIndexBody, NATIVE_PARAMETERS, RECIPES, recipeBody, scriptBody } from './rivals.mjs'
import { settle } from './server.mjs'

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
 * @param {{ signal: AbortSignal, onProgress: (stage: string) => void }} options
 * @returns {Promise<SetFigures>}
 */
export async function measureSet(server, set, { signal, onProgress }) {
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

  if (server.native) indices.push(await measureNative(server, set, truth, { signal, onProgress }))

  onProgress('exact search here')
  const exactMilliseconds = exactHere(set)
  return { name: set.name, metric: set.metric, rows, dim, queries, vectorType, indices, exactMilliseconds }
}

/**
 * The same figures for more and more documents, up to a million, of real rows with jitter.
 *
 * @param {Server} server
 * @param {EvaluationSet} full
 * @param {readonly number[]} sizes ascending
 * @param {{ signal: AbortSignal, onProgress: (stage: string) => void }} options
 */
export async function measureGrowth(server, full, sizes, { signal, onProgress }) {
  const set = { ...full, queries: firstRows(full.queries, Math.min(full.queries.shape[0], 100)) }
  const largest = /** @type {number} */ (sizes.at(-1))
  onProgress('jitter')
  const all = jittered(set.base, largest)
  const queries = set.queries.shape[0]
  /** @type {(Omit<IndexFigures, 'name'> & { documents: number, kind: string, clusters: number })[]} */
  const steps = []
  for (const size of sizes) {
    onProgress(`${size} documents: training`)
    const base = firstRows(all, size)
    const truth = exactTruth(base, set.queries, set.metric)
    for (const clusters of size >= 300_000 ? [256, 1024] : [256]) {
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
      steps.push({ documents: size, kind: `${clusters} clusters`, clusters, model: model.describe(), trainSeconds, ingest, storeBytes, queries: figures })
      await remove(server, index)
    }
    // Building the graph takes too long for more.
    if (server.native && size <= 200_000) {
      const { name, ...figures } = await measureNative(server, { ...set, base }, truth, { signal, onProgress: (stage) => onProgress(`${size} documents: ${stage}`) })
      steps.push({ documents: size, kind: name, clusters: 0, ...figures })
    }
  }
  return steps
}

/**
 * The server's own k-NN on the same documents.
 *
 * @param {Server} server
 * @param {EvaluationSet} set
 * @param {(i: number) => readonly string[]} truth
 * @param {{ signal: AbortSignal, onProgress: (stage: string) => void }} options
 * @returns {Promise<IndexFigures>}
 */
async function measureNative(server, set, truth, { signal, onProgress }) {
  const [rows, dim] = set.base.shape
  const name = `benchmark-${++made}`
  onProgress("the server's own k-NN: ingestion")
  await server.ask('PUT', `/${name}`, nativeIndexBody(dim, set.metric))
  const start = performance.now()
  const before = await server.cpuMilliseconds()
  for (let at = 0; at < rows; at += 2000) {
    signal.throwIfAborted()
    const lines = []
    for (let i = at; i < Math.min(rows, at + 2000); i++) {
      const vector = Array.from(set.base.data.subarray(i * dim, (i + 1) * dim))
      lines.push(`{"index":{"_id":"${i}"}}\n${JSON.stringify({ id: String(i), vector })}\n`)
    }
    const { status, body } = await server.transport.request({ method: 'POST', path: `/${name}/_bulk`, query: { filter_path: 'errors' }, ndjson: lines.join('') })
    if (status !== 200 || /** @type {any} */ (body).errors !== false) throw new Error(`bulk: ${status} ${JSON.stringify(body)}`)
  }
  await server.ask('POST', `/${name}/_refresh`)
  // One graph, as one segment has it: that is what it is fast with.
  const storeBytes = await settle(server, name)
  const seconds = (performance.now() - start) / 1000
  const serverCpuSeconds = (await server.cpuMilliseconds() - before) / 1000
  await server.ask('POST', `/${name}/_refresh`)
  const queries = set.queries.shape[0]
  const vectors = rowsOf(set.queries, queries)
  const figures = []
  for (const candidates of [10, 100, 300]) {
    onProgress(`the server's own k-NN: queries, k = ${candidates}`)
    figures.push(
      await measureQueries(server, {
        name: `native HNSW, k = ${candidates}`,
        candidates,
        queries,
        signal,
        truth,
        ask: async (i) => answerOf(await server.ask('POST', `/${name}/_search`, nativeBody(vectors[i], candidates)), 'id'),
      }),
    )
  }
  await server.ask('DELETE', `/${name}`)
  const ingest = { encodePerSecond: 0, clientPerSecond: 0, documentsPerSecond: rows / seconds, seconds, serverCpuSeconds }
  return { name: 'native k-NN', model: NATIVE_PARAMETERS, trainSeconds: 0, ingest, storeBytes, queries: figures }
}

/**
 * @param {Server} server
 * @param {SearchEngineIndex} index
 * @param {EvaluationSet} set
 * @param {{ probes?: number, matching?: 'words', candidates: number }} options
 * @param {(i: number) => readonly string[]} truth
 */
function ours(server, index, set, options, truth) {
  const vectors = rowsOf(set.queries, set.queries.shape[0])
  const query = index.buildQuery({ vector: vectors[0], ...options })
  const { bool } = /** @type {{ bool: { should: unknown[] } }} */ (query['query'])
  return {
    truth,
    words: bool.should.length,
    // As many results as candidates: which of the true neighbours are among them.
    ask: async (/** @type {number} */ i) => index.search({ vector: vectors[i], ...options, k: options.candidates }).then(({ ids, tookMs }) => ({ ids: [...ids], tookMs })),
    touched: (/** @type {number} */ i) => count(server, index.name, index.buildQuery({ vector: vectors[i], ...options })['query']),
  }
}

let made = 0

/**
 * @param {Server} server
 * @param {Matrix} base
 * @param {ClusterTokens} model
 * @param {'float32' | 'int16' | 'uint8'} vectorType
 * @param {{ signal: AbortSignal, onProgress: (stage: string) => void, lean?: boolean }} options
 */
async function fill(server, base, model, vectorType, { signal, onProgress, lean = false }) {
  const [rows] = base.shape
  onProgress('encoding')
  const encoding = performance.now()
  // In slices, as ingestion does; a million rows of words at once would be half a gigabyte.
  for (let at = 0; at < rows; at += 10_000) await model.encode(rowsBetween(base, at, Math.min(rows, at + 10_000)), { signal })
  const encodePerSecond = rows / ((performance.now() - encoding) / 1000)

  const models = { tokens: model, vectorType }
  const name = `benchmark-${++made}`
  onProgress('ingestion without a server')
  const common = { name, model: models, storage: /** @type {'lean' | 'full'} */ (lean ? 'lean' : 'full') }
  const sink = new SearchEngineIndex({ transport: swallowing(server.transport), ...common })
  const index = new SearchEngineIndex({ transport: server.transport, ...common })
  await index.create({ shards: 1, replicas: 0 })
  const alone = performance.now()
  const some = Math.min(rows, 50_000)
  await sink.bulkIngest(documents(base, some), { refresh: false, signal })
  const clientPerSecond = some / ((performance.now() - alone) / 1000)

  onProgress('ingestion')
  const start = performance.now()
  const before = await server.cpuMilliseconds()
  await index.bulkIngest(documents(base, rows), { loadMode: true, batchDocuments: 5000, signal })
  const seconds = (performance.now() - start) / 1000
  const serverCpuSeconds = (await server.cpuMilliseconds() - before) / 1000
  const storeBytes = await settle(server, name, lean)
  return {
    index,
    storeBytes,
    ingest: { encodePerSecond, clientPerSecond, documentsPerSecond: rows / seconds, seconds, serverCpuSeconds },
  }
}

/**
 * A transport whose bulk requests are answered at once by nobody.
 *
 * @param {import('nearhash/search-engine').EngineTransport} transport
 * @returns {import('nearhash/search-engine').EngineTransport}
 */
function swallowing(transport) {
  return {
    async request(request) {
      if (request.ndjson === undefined) return transport.request(request)
      // Every second line is a document.
      let lines = 0
      for (let at = request.ndjson.indexOf('\n'); at !== -1; at = request.ndjson.indexOf('\n', at + 1)) lines++
      const items = new Array(lines / 2).fill({ index: { status: 201 } })
      return { status: 200, headers: {}, body: { errors: false, items } }
    },
  }
}

/**
 * @param {Matrix} base
 * @param {number} count
 */
function* documents(base, count) {
  const { data, shape: [, dim] } = base
  // Plain Uint16Array rows are read as they are; nothing is copied here.
  for (let i = 0; i < count; i++) {
    yield { id: String(i), vector: /** @type {import('nearhash').NumericArray} */ (data.subarray(i * dim, (i + 1) * dim)) }
  }
}

/** @param {Server} server @param {SearchEngineIndex} index */
async function remove(server, index) {
  await server.ask('DELETE', `/${await index.open()}`)
}

/** @param {Server} server @param {string} name @param {unknown} query */
async function count(server, name, query) {
  return /** @type {number} */ ((await server.ask('POST', `/${name}/_count`, { query })).count)
}

/** @param {any} reply @param {string} [field] with the ids */
function answerOf(reply, field = 'nearhash.id') {
  const hits = /** @type {any[]} */ (reply.hits.hits)
  return { ids: hits.map((hit) => hit.fields[field][0]), tookMs: reply.took }
}

/** @param {Matrix} matrix @param {number} count @returns {import('nearhash').NumericArray[]} */
function rowsOf({ data, shape: [, dim] }, count) {
  return Array.from({ length: count }, (_, i) => /** @type {import('nearhash').NumericArray} */ (data.subarray(i * dim, (i + 1) * dim)))
}

/** @param {Matrix} matrix @param {number} from @param {number} to @returns {Matrix} */
function rowsBetween({ data, shape: [, dim] }, from, to) {
  return { data: data.subarray(from * dim, to * dim), shape: [to - from, dim] }
}

/** @param {Matrix} neighbours */
function truthOf({ data, shape: [, width] }) {
  return (/** @type {number} */ i) => Array.from(data.subarray(i * width, i * width + 10), String)
}

/** @param {Matrix} base @param {Matrix} queries @param {'euclidean' | 'cosine'} metric */
function exactTruth(base, queries, metric) {
  const found = knnSync(base, queries, { k: 10, metric })
  return (/** @type {number} */ i) => Array.from(found.at(i).ids, String)
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
