// Only the workers load the package: with the last of them the add-on is unloaded, and loaded again by the next.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const FILE = new URL('busy-worker.mjs', import.meta.url)

for (let round = 0; round < 4; round++) {
  const alone = new Worker(FILE, { workerData: { kind: round, rounds: 1 } })
  const [code] = await once(alone, 'exit')
  if (code !== 0) throw new Error(`a worker ended with code ${code}`)
  const terminated = new Worker(FILE, { workerData: { kind: round } })
  await once(terminated, 'message')
  await terminated.terminate()
}
process.stdout.write('all well')
