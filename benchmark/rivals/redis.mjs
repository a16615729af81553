import { readFloats, rowsOf } from './material.mjs'
import { EF_CONSTRUCTION, graphSettings } from './graph-settings.mjs'
import { loadPackage } from './packages.mjs'
import { Unavailable } from './unavailable.mjs'

const KEY = 'nearhash-benchmark'
const OLDEST = 8
/** Points whose VADD is under way at once while building. */
const PIPELINE = 1000

/**
 * Vector sets of a Redis server, over the network as an application would. They know angles only, so there is no plan
 * for Euclidean sets.
 *
 * @type {import('./rival.mjs').Rival}
 */
export const REDIS = {
  id: 'redis',
  name: 'Redis vector set',
  runtime: 'node',
  adapter: 'redis.mjs',
  batches: false,
  parallel: false,
  plans: ({ metric, quick }) => (metric === 'euclidean' ? [] : (quick ? ['Q8'] : ['Q8', 'NOQUANT'])
    .map((quantisation) => ({ name: `M = 16, ${quantisation}`, options: { M: 16, quantisation }, settings: graphSettings(quick) }))),
}

/** @param {import('./rival.mjs').Material} material @returns {Promise<import('./rival.mjs').Adapter>} */
export async function open({ floatPoints, floatQueries, redis }) {
  if (redis === undefined) throw new Unavailable('no server is given (--redis)')
  const { exports: { createClient, RESP_TYPES } } = loadPackage('@redis/client')
  // One reconnection would count as a slow query; better to fail.
  const client = createClient({ url: redis, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw new Unavailable(`${redis}: ${error instanceof Error ? error.message : error}`)
  }
  const [, version = '0'] = /redis_version:(\S+)/.exec(await client.info('server')) ?? []
  if (Number.parseInt(version) < OLDEST) throw new Unavailable(`${redis}: Redis ${version}; vector sets came with ${OLDEST}`)
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  const { data, shape: [rows, dim] } = await readFloats(floatPoints)
  /** @param {Float32Array} row */
  const blob = (row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength)
  const queries = rowsOf(await readFloats(floatQueries)).map(blob)
  return {
    about: { version, build: 'a server of its own, over its protocol' },
    remote: true,
    prepare: ({ M, quantisation }) => async () => {
      const key = `${KEY}:${quantisation}`
      await client.del(key)
      const before = await usedMemory(client)
      for (let start = 0; start < rows; start += PIPELINE) {
        const end = Math.min(start + PIPELINE, rows)
        await Promise.all(Array.from({ length: end - start }, (_, place) => {
          const row = start + place
          const vector = blob(data.subarray(row * dim, (row + 1) * dim))
          return client.sendCommand(['VADD', key, 'FP32', vector, String(row), quantisation, 'EF', String(EF_CONSTRUCTION), 'M', String(M)])
        }))
      }
      return {
        footprint: async () => ({
          bytes: await usedMemory(client) - before, rowBytes: rows * dim * (quantisation === 'Q8' ? 1 : 4), basis: 'growth of used_memory',
        }),
        search: (/** @type {{ ef: number }} */ { ef }, k) => {
          const how = ['COUNT', String(k), 'EF', String(ef)]
          return {
            one: (query) => bytes.sendCommand(['VSIM', key, 'FP32', queries[query], ...how]),
            ids: (result) => result.map((/** @type {Buffer} */ name) => Number(name)),
          }
        },
        dispose: () => client.del(key),
      }
    },
  }
}

/** @param {any} client @returns {Promise<number>} bytes */
async function usedMemory(client) {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
}
