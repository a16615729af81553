// Prints a digest of everything that fits and answers give, and with what it was computed.

import { createHash } from 'node:crypto'
import { cdist, cdistSync, ClusterTokens, Index, knn, knnSync, L2, LshTokens, runtime, SRP } from 'nearhash'

/** Numbers with ties and all bits of a float32 in use. */
function rows(count, dim, seed) {
  const data = new Float32Array(count * dim)
  for (let i = 0; i < data.length; i++) {
    const bits = Math.imul(i + seed, 2654435761) ^ Math.imul(i ^ seed, 40503)
    data[i] = i % 5 === 0 ? (bits >>> 28) - 7.5 : (bits >>> 8) / 2 ** 20 - 8
  }
  return { data, shape: [count, dim] }
}

const hash = createHash('sha256')
const add = (value) => {
  if (ArrayBuffer.isView(value)) hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  else if (value instanceof Map) for (const [key, ids] of value) hash.update(key) && add(ids)
  else if (Array.isArray(value)) for (const one of value) add(one)
  else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) add(one)
  else hash.update(String(value))
}

for (const dim of [1, 16, 37]) {
  const points = rows(900, dim, 1)
  const queries = rows(90, dim, 2)
  const single = queries.data.subarray(0, dim)
  const bytes = { data: Uint8Array.from(points.data, (x) => Math.abs(x) * 16 + 1), shape: points.shape }
  for (const make of [
    () => new SRP(7, 9),
    () => new SRP({ nProjections: 64, nHashTables: 2, seed: 2 ** 53 - 1 }),
    () => new SRP(),
    () => new L2(5, 9, { r: 8 }),
    () => new L2({ nProjections: 64, nHashTables: 2, r: 200, seed: 77 }),
    () => new L2(),
  ]) {
    const index = make()
    for (const x of [points, bytes]) {
      await index.fit(x)
      add(index.describe())
      add(index.hash(queries))
      add(index.buckets(0))
      for (const budget of [0, 1, 10]) {
        index.multiProbe(budget)
        add(await index.search(queries, { k: 7 }))
        add(index.searchSync(single, { k: 3 }))
        for (const { index: ids, distances, nCollisions, vectors } of index.predictSync(queries)) add([ids, distances, nCollisions, vectors])
        for (const { index: ids, nCollisions } of await index.predict(queries, { topK: 20, bound: 33, onlyIndex: true })) add([ids, nCollisions])
        add(index.queryBucketIdx(single))
      }
      const { recall, low, high, p5 } = await index.evaluate(queries)
      add([recall, low, high, p5])
      add(await index.storeVecs(queries))
      add(index.deleteVec(5))
      add(index.searchSync(queries))
    }
  }
  for (const metric of ['euclidean', 'cosine']) {
    for (const tokens of [
      await ClusterTokens.train(points, { metric, clusters: 20 }),
      ClusterTokens.trainSync(points, { metric, clusters: 300, groups: 1, rotation: 'none', probes: 2 }),
      new LshTokens(metric === 'cosine' ? new SRP(9, 4, { dim }) : new L2(5, 4, { dim, r: 8 })),
    ]) {
      add(tokens.toBytes?.() ?? tokens.modelHash)
      add(await tokens.encode(queries))
      add(tokens.encodeQuery(single, { probes: 3 }))
    }
    add(knnSync(points, queries, { k: 6, metric }))
    add(await knn(queries, points, { k: 2, metric }))
    add(cdistSync(queries, points, { metric }))
    add(await cdist(bytes, queries, { metric }))
  }
}

// Enough points for buckets, codes and calibration.
for (const [dim, options] of [
  [16, {}],
  [37, { metric: 'cosine', settle: 0, seed: 5, recall: 0.8 }],
]) {
  const points = rows(5000, dim, 5)
  const queries = rows(60, dim, 6)
  const bytes = { data: Uint8Array.from(points.data, (x) => Math.abs(x) * 16 + 1), shape: points.shape }
  const index = new Index(options)
  for (const x of [points, bytes]) {
    await index.fit(x)
    // How many threads have left scratch memory behind is no property of the index.
    add({ ...index.describe(), memoryBytes: 0 })
    for (const asked of [{}, { k: 1 }, { k: 100, recall: 0.99 }, { recall: 1 }, { probes: 3 }, { filter: { deny: [1, 2, 3] } }]) {
      add(await index.search(queries, asked))
      add(index.searchSync(queries.data.subarray(0, dim), asked))
    }
    const { recall, low, high, p5 } = await index.evaluate(queries)
    add([recall, low, high, p5])
    add(await index.storeVecs(queries))
    add(index.deleteVec(5))
    add(index.searchSync(queries))
  }
}

// So few queries over so many rows that the rows are shared out.
add(knnSync(rows(20_000, 8, 3), rows(3, 8, 4), { k: 5 }))

const { cpu, threads } = runtime()
process.stdout.write(JSON.stringify({ digest: hash.digest('hex'), cpu, threads }))
