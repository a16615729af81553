import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { L2, SRP } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { runProgram } from './support/programs.js'
import { normal, rowsOf } from './support/random.js'

const WORKER = new URL('programs/busy-worker.mjs', import.meta.url)
const points = rowsOf(500, 8, normal(121))
const queries = rowsOf(30, 8, normal(122))

function start(kind: number, rounds?: number): Worker {
  return new Worker(WORKER, { workerData: { kind, ...(rounds === undefined ? {} : { rounds }) }, execArgv: [] })
}

describe('six workers that load the package', () => {
  it('are terminated in the middle of their calls, again and again, and this thread works on', async () => {
    const index = new SRP(5, 6).fitSync(points)
    const expected = index.searchSync(queries)
    for (let round = 0; round < 3; round++) {
      const workers = Array.from({ length: 6 }, (_, kind) => start(kind))
      const ended = workers.map(async (worker) => {
        expect(await once(worker, 'message')).toEqual(['working'])
        // Some at once, some while they are searching.
        for (let turn = 0; turn < round * 20; turn++) await new Promise(setImmediate)
        return worker.terminate()
      })
      // This thread has calls of its own meanwhile.
      for (let i = 0; i < 5; i++) expect(await index.search(queries)).toEqual(expected)
      expect(await Promise.all(ended)).toEqual(Array(6).fill(1))
      expect((await new L2(5, 6, { r: 3 }).fit(points)).size).toBe(500)
      expect(index.fitSync(points).searchSync(queries)).toEqual(expected)
    }
  })

  it('end by themselves when they have nothing left to do', async () => {
    const workers = Array.from({ length: 6 }, (_, kind) => start(kind, 2))
    const ends = await Promise.all(
      workers.map(async (worker) => {
        const messages: unknown[] = []
        worker.on('message', (message) => messages.push(message))
        const [code] = (await once(worker, 'exit')) as [number]
        return { code, messages }
      }),
    )
    expect(ends).toEqual(Array(6).fill({ code: 0, messages: ['working', 'done'] }))
  })
})

describe('a process whose workers are terminated in the middle of their calls', () => {
  it('ends by itself with code 0, its own calls right to the end', async () => {
    expect(await runProgram('terminated-workers.mjs', { args: ['3'] })).toEqual({ code: 0, signal: null, stdout: 'all well', stderr: '' })
  })

  it('also when no other thread has the package', async () => {
    expect(await runProgram('workers-alone.mjs')).toEqual({ code: 0, signal: null, stdout: 'all well', stderr: '' })
  })

  it('and with more threads than there are processors', async () => {
    const env = { NEARHASH_THREADS: '7', UV_THREADPOOL_SIZE: '2' }
    expect(await runProgram('terminated-workers.mjs', { args: ['2'], env })).toEqual({ code: 0, signal: null, stdout: 'all well', stderr: '' })
  })
})
