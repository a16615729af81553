// A worker that fits and asks an Index until it is terminated; or, with `rounds`, so often, and then ends by itself.

import { parentPort, workerData } from 'node:worker_threads'
import { Index } from 'nearhash'

const [ROWS, DIM] = [20_000, 32]
const data = new Float32Array(ROWS * DIM)
for (let i = 0; i < data.length; i++) data[i] = ((Math.imul(i, 2654435761) >>> 8) % 1000) + 1
const many = { data, shape: [ROWS, DIM] }

const { rounds = Infinity } = workerData
for (let round = 0; round < rounds; round++) {
  const index = new Index(round % 2 ? { metric: 'cosine' } : {})
  const fitting = index.fit(many)
  if (round === 0) parentPort.postMessage('working')
  await fitting
  const searching = index.search({ data: data.subarray(0, 500 * DIM), shape: [500, DIM] })
  for (let row = 0; row < 100; row++) index.searchSync(data.subarray(row * DIM, (row + 1) * DIM))
  await searching
  if (round % 3) index.dispose()
}
parentPort.postMessage('done')
