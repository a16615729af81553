// Starts workers, six at a time, and terminates each in the middle of its calls; then this thread works itself.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { L2 } from 'nearhash'

const FILE = new URL('busy-worker.mjs', import.meta.url)
const rounds = Number(process.argv[2])

const own = new L2(4, 5, { r: 4 }).fitSync([[1, 2], [3, 4], [9, 9]])
const expected = JSON.stringify(own.searchSync([[1, 2]]))

for (let round = 0; round < rounds; round++) {
  const workers = Array.from({ length: 6 }, (_, kind) => new Worker(FILE, { workerData: { kind } }))
  await Promise.all(
    workers.map(async (worker, i) => {
      await once(worker, 'message')
      // In various stages of their calls.
      for (let turn = 0; turn < i * round * 3; turn++) await new Promise(setImmediate)
      const code = await worker.terminate()
      if (code !== 1) throw new Error(`a terminated worker ended with code ${code}`)
    }),
  )
  if (JSON.stringify(await own.search([[1, 2]])) !== expected) throw new Error('the main thread no longer answers')
}

const last = new Worker(FILE, { workerData: { kind: 5, rounds: 1 } })
const [code] = await once(last, 'exit')
if (code !== 0) throw new Error(`a worker that was left alone ended with code ${code}`)
if (JSON.stringify(own.fitSync([[1, 2], [3, 4], [9, 9]]).searchSync([[1, 2]])) !== expected) throw new Error('wrong answer')
process.stdout.write('all well')
