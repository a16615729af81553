// A worker that loads the package and works until it is terminated; or, with `rounds`, so often, and then ends by itself.

import { parentPort, workerData } from 'node:worker_threads'
import { knn, L2, SRP } from 'nearhash'

const [ROWS, DIM] = [20_000, 32]
const data = new Float32Array(ROWS * DIM)
for (let i = 0; i < data.length; i++) data[i] = ((Math.imul(i, 2654435761) >>> 8) % 1000) + 1
const many = { data, shape: [ROWS, DIM] }
const few = { data: data.subarray(0, 500 * DIM), shape: [500, DIM] }

const { kind, rounds = Infinity } = workerData
for (let round = 0; round < rounds; round++) {
  const index = kind % 2 ? new SRP(16, 20) : new L2(16, 20, { r: 2000 })
  const fitting = index.fit(many, kind % 3 ? {} : { onProgress: () => {} })
  // Now the call is on its way.
  if (round === 0) parentPort.postMessage('working')
  await fitting
  const searching = [index.search(few), knn(many, few), index.predict(few)]
  if (kind > 3) index.searchSync(few)
  await Promise.all(searching)
  if (kind % 2) index.dispose()
}
parentPort.postMessage('done')
