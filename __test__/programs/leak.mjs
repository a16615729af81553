// Goes through one scene again and again, and prints how far the process has grown after it was warm.

import { setImmediate } from 'node:timers/promises'
import { cdist, cdistSync, ClusterTokens, Index, knn, knnSync, L2, LshTokens, SRP } from 'nearhash'

const ROWS = 20_000
const DIM = 32
const data = new Float32Array(ROWS * DIM)
for (let i = 0; i < data.length; i++) data[i] = (Math.imul(i, 2654435761) >>> 8) % 1000
/** 2.5 MB, and an index of 8 tables of it some 4 MB. */
const many = { data, shape: [ROWS, DIM] }
const queries = { data: data.subarray(0, 200 * DIM), shape: [200, DIM] }
const kept = new L2(8, 8, { r: 3000 }).fitSync(many)
const fast = new Index().fitSync(many)

/** @type {Uint8Array | undefined} half a megabyte, and as much again as a model */
let wordModel

const SCENES = {
  'fit and dispose': [
    60,
    async (i) => {
      const index = i % 2 ? new SRP(8, 8) : new L2(8, 8, { r: 3000 })
      if (i % 3) index.fitSync(many)
      else await index.fit(many)
      index.searchSync(queries)
      index.dispose()
    },
  ],
  'fit and forget': [
    60,
    async (i) => {
      if (i % 2) new SRP(8, 8).fitSync(many).searchSync(queries)
      else await (await new L2(8, 8, { r: 3000 }).fit(many)).search(queries)
    },
  ],
  'fit again': [60, (i) => (i % 2 ? kept.fitSync(many) : kept.fit(many))],
  'search and predict': [
    120,
    async () => {
      kept.searchSync(queries)
      kept.predictSync(queries, { topK: 20 })
      kept.searchSync(queries, { k: 100 })
      await kept.search(queries)
      await kept.predict(queries, { topK: 20 })
      kept.hash(queries)
      for (let i = 0; i < 50; i++) kept.searchSync(data.subarray(i * DIM, (i + 1) * DIM))
    },
  ],
  'Index, fit and dispose': [
    60,
    async (i) => {
      const index = await new Index(i % 2 ? { metric: 'cosine' } : {}).fit(many)
      index.searchSync(queries)
      if (i % 3) index.dispose()
    },
  ],
  'Index, search': [
    120,
    async () => {
      fast.searchSync(queries, { k: 100 })
      await fast.search(many)
      for (let i = 0; i < 500; i++) fast.searchSync(data.subarray(i * DIM, (i + 1) * DIM), { k: 1 + (i % 100) })
      fast.searchSync(queries, { filter: { deny: new Uint8Array(100_000) } })
    },
  ],
  'knn and cdist': [
    30,
    async () => {
      await cdist(queries, many)
      cdistSync(queries, many)
      await knn(many, queries)
      knnSync(many, queries)
    },
  ],
  'store and delete': [
    40,
    async (i) => {
      const ids = i % 2 ? kept.storeVecsSync(many) : await kept.storeVecs(many)
      for (const id of ids.subarray(0, 500)) kept.updateVec(id, data.subarray(0, DIM))
      for (const id of ids) kept.deleteVec(id)
    },
  ],
  words: [
    150,
    async (i) => {
      wordModel ??= ClusterTokens.trainSync(many, { groups: 1, clusters: 4096, iterations: 1, rotation: 'none', probes: 2 }).toBytes()
      const tokens = ClusterTokens.fromBytes(wordModel)
      tokens.encodeSync(queries)
      await tokens.encodeCodes(queries)
      tokens.encodeQuery(data.subarray(0, DIM), { probes: 200 })
      if (i % 10 === 0) await ClusterTokens.train(queries, { groups: 4, clusters: 16 })
      await new LshTokens(new SRP(8, 20, { dim: DIM })).encode(queries)
    },
  ],
  abort: [
    150,
    async (i) => {
      const index = new SRP(32, 50)
      const stop = new AbortController()
      const fitting = index.fit(many, { signal: stop.signal, onProgress: () => {} })
      for (let turn = 0; turn < i % 5; turn++) await setImmediate()
      stop.abort()
      await fitting.catch(() => {})
    },
  ],
  errors: [
    150,
    async () => {
      const broken = data.slice()
      broken[broken.length - 1] = NaN
      const x = { data: broken, shape: [ROWS, DIM] }
      await kept.fit(x).catch(() => {})
      await knn(x, queries).catch(() => {})
      try {
        kept.fitSync(x)
      } catch {}
    },
  ],
}

const [rounds, scene] = SCENES[process.argv[2]]

async function settled() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    await setImmediate()
  }
  return process.memoryUsage.rss()
}

let before = 0
for (let i = 0; i < rounds; i++) {
  await scene(i)
  if (i % 5 === 0) globalThis.gc()
  await setImmediate()
  if (i === Math.floor(rounds / 3)) before = await settled()
}
const after = await settled()
process.stdout.write(JSON.stringify({ before, after, growth: after - before }))
