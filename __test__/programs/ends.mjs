// A program that starts work and ends in one of several ways; how it ends is what counts.

import { createRequire } from 'node:module'
import { cdist, knn, L2, SRP } from 'nearhash'

const [ROWS, DIM] = [60_000, 64]
const data = new Uint8Array(ROWS * DIM)
for (let i = 0; i < data.length; i++) data[i] = (Math.imul(i, 2654435761) >>> 8) % 251
/** Its distances to itself take many seconds, and there are many calls. */
const many = { data, shape: [ROWS, DIM] }
const few = [[1, 2], [3, 4], [9, 9]]
const load = () =>
  Array.from({ length: 12 }, (_, i) => {
    if (i % 3 === 0) return knn(many, many)
    return (i % 3 === 1 ? new SRP(64, 3000) : new L2(64, 3000, { r: 60 })).fit(many, { onProgress: () => {} })
  })
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 100))

const ENDS = {
  async 'by itself after work'() {
    const index = await new L2(8, 10, { r: 60 }).fit(many, { onProgress: () => {}, signal: new AbortController().signal })
    await index.search({ data: data.subarray(0, 100 * DIM), shape: [100, DIM] })
    await index.predict(data.subarray(0, DIM))
    await cdist(few, few)
  },
  async 'by itself without work'() {},
  async 'by itself after blocking work'() {
    new SRP(8, 10).fitSync(many).searchSync(data.subarray(0, 64 * DIM))
  },
  async 'by itself with work that nobody awaits'() {
    new L2(8, 10, { r: 60 }).fit(many).then((index) => process.stdout.write(`fitted ${index.size}`))
  },
  async 'by process.exit after an abort'() {
    const stop = new AbortController()
    const running = load().slice(0, 1).concat(knn(many, many, { signal: stop.signal }))
    setTimeout(() => stop.abort(), 50)
    await running[1].catch(() => {})
    process.exit()
  },
  async 'by itself after AbortSignal.timeout'() {
    await knn(many, many, { signal: AbortSignal.timeout(50) }).catch((error) => process.stdout.write(error.name))
  },
  async 'by process.exit under load'() {
    load()
    await aWhile()
    process.exit(0)
  },
  async 'by process.exit at once'() {
    load()
    process.exit(0)
  },
  async 'by process.exit with a code'() {
    load()
    await aWhile()
    process.exit(42)
  },
  async 'by process.exit in an exit listener'() {
    process.on('exit', () => process.exit(7))
    load()
    await aWhile()
    process.exit(3)
  },
  async 'by an uncaught error under load'() {
    load()
    await aWhile()
    setTimeout(() => {
      throw new RangeError('uncaught on purpose')
    })
    await new Promise(() => {})
  },
  async 'by an unhandled rejection under load'() {
    load()
    await aWhile()
    void Promise.reject(new RangeError('unhandled on purpose'))
    await new Promise(() => {})
  },
  async 'by an unhandled NearhashError'() {
    await new SRP(5, 5).fit([[NaN]])
  },
  async 'by exitCode'() {
    process.exitCode = 5
    await new SRP(5, 5).fit(few)
  },
  async 'by a signal under load'() {
    load()
    await aWhile()
    process.kill(process.pid, 'SIGTERM')
    await new Promise(() => {})
  },
  async 'and says where a wrong number of threads came from'() {
    const { runtime } = createRequire(import.meta.url)('nearhash')
    const errors = []
    for (const call of [() => runtime(), () => new SRP(5, 5).fitSync(few), () => new SRP(5, 5).fit(few), () => knn(few, few)]) {
      try {
        await call()
      } catch ({ code, argument, received, allowed }) {
        errors.push({ code, argument, received, allowed })
      }
    }
    process.stdout.write(JSON.stringify(errors))
  },
}

await ENDS[process.argv[2]]()
