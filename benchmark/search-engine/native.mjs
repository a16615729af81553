import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerOf } from './asking.mjs'
import { freshName } from './filling.mjs'
import { measureQueries } from './measure.mjs'
import { nativeBody, nativeIndexBody, NATIVE_PARAMETERS } from './rivals.mjs'
import { rowsOf } from './rows.mjs'
import { settle } from './server.mjs'

/** @typedef {import('./experiment.mjs').IndexFigures} IndexFigures */
/** @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet */
/** @typedef {import('./server.mjs').Server} Server */

/**
 * The server's own k-NN on the same documents.
 *
 * @param {Server} server
 * @param {EvaluationSet} set
 * @param {(i: number) => readonly string[]} truth
 * @param {{ signal: AbortSignal, onProgress: (stage: string) => void }} options
 * @returns {Promise<IndexFigures>}
 */
export async function measureNative(server, set, truth, { signal, onProgress }) {
  const [rows, dim] = set.base.shape
  const name = freshName()
  onProgress("the server's own k-NN: ingestion")
  await server.ask('PUT', `/${name}`, nativeIndexBody(server.flavour, dim, set.metric))
  const start = performance.now()
  const before = await server.cpuMilliseconds()
  for (let at = 0; at < rows; at += 2000) {
    signal.throwIfAborted()
    const lines = []
    for (let i = at; i < Math.min(rows, at + 2000); i++) {
      const vector = Array.from(set.base.data.subarray(i * dim, (i + 1) * dim))
      lines.push(`{"index":{"_id":"${i}"}}\n${JSON.stringify({ id: String(i), vector })}\n`)
    }
    await bulk(server, name, lines.join(''), signal)
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
        ask: async (i) => answerOf(await server.ask('POST', `/${name}/_search`, nativeBody(server.flavour, vectors[i], candidates)), 'id'),
      }),
    )
  }
  await server.ask('DELETE', `/${name}`)
  const ingest = { encodePerSecond: 0, clientPerSecond: 0, documentsPerSecond: rows / seconds, seconds, serverCpuSeconds }
  return { name: 'native k-NN', model: NATIVE_PARAMETERS, trainSeconds: 0, ingest, storeBytes, queries: figures }
}

/**
 * Again where the server is short of memory for a moment, as our own ingestion does.
 *
 * @param {Server} server
 * @param {string} name
 * @param {string} ndjson
 * @param {AbortSignal} signal
 */
async function bulk(server, name, ndjson, signal) {
  for (let attempt = 1; ; attempt++) {
    const { status, body } = await server.transport.request({ method: 'POST', path: `/${name}/_bulk`, query: { filter_path: 'errors,error' }, ndjson })
    if (status === 200 && /** @type {any} */ (body).errors === false) return
    if (status !== 429 || attempt === 20) throw new Error(`bulk: ${status} ${JSON.stringify(body)}`)
    await sleep(1000, undefined, { signal })
  }
}
