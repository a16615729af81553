// Prints, step by step, how many bytes an index says that it holds and how many more than at the start V8 knows of.

import { createRequire } from 'node:module'
import { setImmediate } from 'node:timers/promises'
import { Index, L2, SRP } from 'nearhash'

const binding = createRequire(import.meta.url)('#binding')
const [ROWS, DIM] = [50_000, 32]
const data = new Float32Array(ROWS * DIM)
for (let i = 0; i < data.length; i++) data[i] = ((Math.imul(i, 2654435761) >>> 8) % 1000) + 1
const many = { data, shape: [ROWS, DIM] }
const few = { data: data.subarray(0, 10 * DIM), shape: [10, DIM] }
const classes = { SRP: () => new SRP(8, 10), L2: () => new L2(8, 10, { r: 3000 }), Index: () => new Index() }
const make = classes[process.argv[2]]

/** V8 counts its own array buffers too; without garbage these are the same all the time. */
async function known() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    await setImmediate()
  }
  return binding.reportedMemory()
}

const steps = []
const start = await known()
async function step(name, index) {
  steps.push({ name, held: index === undefined ? 0 : index.describe().memoryBytes, told: (await known()) - start })
}

await (async () => {
  const index = make()
  await step('empty', index)
  await index.fit(many)
  await step('fit', index)
  await index.storeVecs(many)
  await step('storeVecs', index)
  index.storeVecsSync(many)
  await step('storeVecsSync', index)
  for (let i = 0; i < 5000; i++) index.storeVec(data.subarray(0, DIM))
  await step('5000 x storeVec', index)
  index.fitSync(many)
  await step('fitSync', index)
  await index.fit([[NaN]]).catch(() => {})
  await step('a refused fit', index)
  const stop = new AbortController()
  const fitting = index.fit(many, { signal: stop.signal })
  stop.abort()
  await fitting.catch(() => {})
  await step('an aborted fit', index)
  await index.fit(few)
  await step('fit of few', index)
  await index.fit(many)
  await step('fit of many', index)
  index.reset()
  await step('reset', index)
  await index.fit(many)
  index.dispose()
  await step('dispose')
  index.dispose()
  await step('dispose again')
})()
await (async () => {
  const disposed = make()
  const fitting = disposed.fit(many)
  disposed.dispose()
  await fitting
})()
await step('disposed while fitting')
await (async () => {
  await make().fit(many)
  make().fitSync(many)
})()
await step('forgotten')
process.stdout.write(JSON.stringify(steps))
