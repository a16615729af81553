// Many single queries in a worker; says whether each was answered as in a batch.

import { parentPort, workerData } from 'node:worker_threads'
import { L2, SRP } from 'nearhash'

const dim = 5 + workerData.kind
const data = Float32Array.from({ length: 200 * dim }, (_, i) => Math.sin(i * (workerData.kind + 1)) * 10)
const index = (workerData.kind % 2 ? new SRP(3, 4, { dim }) : new L2(3, 4, { r: 30, dim })).fitSync(data)
const expected = index.searchSync({ data, shape: [200, dim] })
let wrong = 0
for (let round = 0; round < 20; round++) {
  for (let row = 0; row < 200; row++) {
    const { ids, distances } = index.searchSync(data.subarray(row * dim, (row + 1) * dim))
    const same = ids.every((id, place) => id === expected.ids[row * 10 + place]) && distances.every((distance, place) => distance === expected.distances[row * 10 + place])
    if (!same) wrong++
  }
}
parentPort?.postMessage(wrong === 0 ? 'all equal' : `${wrong} answers differ`)
