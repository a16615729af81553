// Heavy calls leave the event loop free. Not measured by a clock: other work is done to its end, and only then is the
// heavy call, which still runs, aborted. Had it blocked the loop, it would have come to its end instead.

import { readFile } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { cdist, knn, L2, SRP, type LshIndex } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { integers, matrixOf, normal, rowsOf } from './support/random.js'

const DIM = 64
/** 25 MB. */
const many = matrixOf(100_000, DIM, integers(91, 100))
/** Fewer and longer: all their distances fit into memory, and take as long. */
const long = { data: new Uint8Array(6000 * 4096).map((_, i) => (i * 7919) % 251), shape: [6000, 4096] } as const
const part = { data: many.data.slice(0, 20_000 * DIM), shape: [20_000, DIM] } as const
const few = rowsOf(10, DIM, normal(92))
const small = new L2(4, 5, { r: 4 }).fitSync(few)
const coarse = new L2({ nProjections: 1, nHashTables: 1, r: 1e30 }).fitSync(many)

/** Thousands of turns, and timers, files, requests and small searches beside them. */
async function otherWork(): Promise<void> {
  const times = Array.from({ length: 20 })
  const turning = async () => {
    for (let turn = 0; turn < 3000; turn++) await new Promise(setImmediate)
  }
  const timing = async () => {
    for (const _ of times) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const reading = async () => {
    for (const _ of times) expect(await readFile(new URL(import.meta.url), 'utf8')).toContain('nearhash')
  }
  const serving = async () => {
    const server = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    for (const _ of times) {
      const answer = await new Promise<string>((resolve, reject) => {
        get({ port, host: '127.0.0.1', agent: false }, (response) => response.setEncoding('utf8').on('data', resolve)).on('error', reject)
      })
      expect(answer).toBe('here')
    }
    await new Promise((resolve) => server.close(resolve))
  }
  const searching = async () => {
    for (const _ of times) expect((await small.search(few, { k: 1 })).distances).toEqual(new Float32Array(10))
  }
  const fitting = async () => {
    for (const _ of times) await Promise.resolve().then(() => small.searchSync(few))
  }
  await Promise.all([turning(), timing(), reading(), serving(), searching(), fitting()])
}

describe('other work is done while this runs', () => {
  const works: [string, (signal: AbortSignal) => Promise<unknown>[]][] = [
    ['fit of SRP', (signal) => [new SRP({ nProjections: 64, nHashTables: 3000 }).fit(many, { signal })]],
    ['fit of L2', (signal) => [new L2({ nProjections: 64, nHashTables: 3000, r: 40 }).fit(many, { signal })]],
    ['fit with progress', (signal) => [new SRP({ nProjections: 64, nHashTables: 3000 }).fit(many, { signal, onProgress: () => {} })]],
    ['storeVecs', (signal) => [new SRP({ nProjections: 64, nHashTables: 3000, dim: DIM }).storeVecs(many, { signal })]],
    ['search', (signal) => [coarse.search(many, { signal })]],
    ['predict', (signal) => [coarse.predict(many, { signal })]],
    ['evaluate', (signal) => [coarse.evaluate(many, { signal })]],
    ['knn', (signal) => [knn(many, many, { signal })]],
    ['cdist', (signal) => [cdist(long, long, { signal })]],
    ['three at once', (signal) => [knn(many, many, { signal }), coarse.search(many, { signal }), new SRP(64, 3000).fit(many, { signal })]],
  ]
  it.each(works)('%s', async (_name, work) => {
    const stop = new AbortController()
    const heavy = work(stop.signal)
    await otherWork()
    stop.abort()
    expect((await Promise.allSettled(heavy)).at(-1)!.status).toBe('rejected')
  })
})

describe('a batch of queries is answered while this runs', () => {
  const batch = { data: many.data.slice(0, 100 * DIM), shape: [100, DIM] } as const
  const slow = () => new SRP({ nProjections: 64, nHashTables: 2000 }).fitSync(few)
  const works: [string, (signal: AbortSignal, index: LshIndex) => Promise<unknown>[]][] = [
    ['a fit of the same index', (signal, index) => [index.fit(many, { signal })]],
    ['a fit of another one', (signal) => [slow().fit(many, { signal })]],
    ['fits and knn', (signal, index) => [index.fit(many, { signal }), slow().fit(many, { signal }), knn(many, many, { signal })]],
  ]
  it.each(works)('%s', async (_name, work) => {
    const index = slow()
    const expected = [index.searchSync(batch).toJSON(), index.predictSync(batch)[99]!.toJSON()]
    const stop = new AbortController()
    const heavy = work(stop.signal, index)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const answers = [(await index.search(batch)).toJSON(), (await index.predict(batch))[99]!.toJSON()]
    stop.abort()
    for (const { status } of await Promise.allSettled(heavy)) expect(status).toBe('rejected')
    expect(answers).toEqual(expected)
  })
})

describe('blocking calls for a look or a few queries do not wait for heavy work', () => {
  const looks: [string, (index: LshIndex) => unknown][] = [
    ['size and dim', (index) => [index.size, index.dim]],
    ['nProjections', (index) => index.nProjections],
    ['describe', (index) => index.describe()],
    ['console.log', (index) => inspect(index)],
    ['getVec', (index) => index.getVec(0)],
    ['searchSync', (index) => index.searchSync(few)],
    ['predictSync', (index) => index.predictSync(few)],
    ['queryBucketIdx', (index) => index.queryBucketIdx(few[0]!)],
    ['queryBucket', (index) => index.queryBucket(few[0]!)],
    ['hash', (index) => index.hash(few)],
    ['storeVec', (index) => index.storeVec(few[0]!)],
    ['updateVec', (index) => index.updateVec(0, few[0]!)],
    ['deleteVec', (index) => index.deleteVec(1)],
    ['reset', (index) => index.reset()],
    ['dispose', (index) => index.dispose()],
  ]
  it.each(looks)('%s', async (_name, look) => {
    const index = new L2(4, 5, { r: 4 }).fitSync(few)
    const stop = new AbortController()
    const heavy = [1, 2].map(() => knn(part, part, { signal: stop.signal }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    look(index)
    stop.abort()
    const outcomes = await Promise.allSettled(heavy)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})
