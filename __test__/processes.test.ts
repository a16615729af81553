import { describe, expect, it } from 'vitest'
import { runProgram } from './support/programs.js'

/** `ends.mjs` is killed, and its signal seen, when it doesn't end long before its work would. */
const end = (way: string, env: Record<string, string> = {}) => runProgram('ends.mjs', { args: [way], env })

describe('a process ends', () => {
  it.each([
    'by itself after work',
    'by itself without work',
    'by itself after blocking work',
    'by process.exit after an abort',
    'by process.exit under load',
    'by process.exit at once',
  ])('%s, with code 0 and nothing to say', async (way) => {
    expect(await end(way)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  })

  it('by itself with work that nobody awaits: the work is done first', async () => {
    expect(await end('by itself with work that nobody awaits')).toEqual({ code: 0, signal: null, stdout: 'fitted 60000', stderr: '' })
  })

  it('by itself after AbortSignal.timeout', async () => {
    expect(await end('by itself after AbortSignal.timeout')).toEqual({ code: 0, signal: null, stdout: 'TimeoutError', stderr: '' })
  })

  it.each([
    ['by process.exit with a code', 42],
    ['by process.exit in an exit listener', 7],
    ['by exitCode', 5],
  ])('%s: that is its code', async (way, code) => {
    expect(await end(way)).toEqual({ code, signal: null, stdout: '', stderr: '' })
  })

  it.each([
    ['by an uncaught error under load', 'RangeError: uncaught on purpose'],
    ['by an unhandled rejection under load', 'RangeError: unhandled on purpose'],
    ['by an unhandled NearhashError', 'NearhashError: x: received NaN at row 0, column 0, allowed: finite numbers'],
  ])('%s: with code 1 and the error', async (way, message) => {
    const { code, signal, stderr } = await end(way)
    expect([code, signal]).toEqual([1, null])
    expect(stderr).toContain(message)
  })

  it('by a signal under load: at once', async () => {
    expect(await end('by a signal under load')).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' })
  })

  it('under load the same with many threads and a small libuv pool', async () => {
    const env = { NEARHASH_THREADS: '9', UV_THREADPOOL_SIZE: '1' }
    expect(await end('by process.exit under load', env)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect(await end('by itself after work', env)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  })
})

describe('NEARHASH_THREADS', () => {
  it.each(['0', '-1', 'many', '1.5', '1025', '2 threads'])('%s is refused by name at the first call that needs threads', async (threads) => {
    const { code, stdout, stderr } = await end('and says where a wrong number of threads came from', { NEARHASH_THREADS: threads })
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toEqual(
      Array(4).fill({
        code: 'ERR_NEARHASH_ARGUMENT',
        argument: 'NEARHASH_THREADS',
        received: JSON.stringify(threads),
        allowed: 'an integer from 1 to 1024',
      }),
    )
  })

  it('empty counts as not set', async () => {
    const { code, stdout } = await end('and says where a wrong number of threads came from', { NEARHASH_THREADS: '' })
    expect([code, stdout]).toEqual([0, '[]'])
  })
})
