// Four worker threads, all at once, each with its own index; then one that is stopped in its work.
import { once } from 'node:events'
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
import { L2 } from 'nearhash'

const points = Float32Array.from({ length: 4_000 * 8 }, (_, i) => ((i * i) % 1009) / 1009)

async function answer() {
  const index = await new L2({ dim: 8, nProjections: 6, nHashTables: 8, r: 1 }).fit(points)
  return [...(await index.search(points.subarray(0, 80), { k: 3 })).ids]
}

if (isMainThread) {
  const start = () => new Worker(new URL(import.meta.url))
  const answers = await Promise.all(Array.from({ length: 4 }, async () => (await once(start(), 'message'))[0]))
  const stopped = start()
  await once(stopped, 'online')
  await stopped.terminate()
  const own = JSON.stringify(await answer())
  console.log(JSON.stringify({ workers: answers.length, same: answers.every((ids) => JSON.stringify(ids) === own) }))
} else {
  parentPort.postMessage(await answer())
}
