import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Field } from '../../benchmark/comparison/contestants.mjs'
import { compare } from '../../benchmark/comparison/measure.mjs'
import { createTask } from '../../benchmark/comparison/task.mjs'
import { REDIS } from '../../benchmark/rivals/redis.mjs'
import { temporaryFolder } from './files.js'
import { standInForRedis } from './redis-server.js'

const folder = await temporaryFolder()
const isInstalled = existsSync(new URL('../../benchmark/rivals/packages/node_modules/@redis/client', import.meta.url))
const matrix = (rows: number, seed: number) => (
  { data: Float32Array.from({ length: rows * 4 }, (_, place) => Math.sin(place * 12.9898 + seed)), shape: [rows, 4] as [number, number] }
)
const createSet = (name: string) => createTask(
  { name, metric: 'cosine', base: matrix(200, 0), queries: matrix(20, 0.5) },
  { folder: join(folder, name), mostJudged: 20 },
)

describe.skipIf(!isInstalled)('vector sets of a Redis server', async () => {
  const server = await standInForRedis('8.2.1')
  const old = await standInForRedis('7.4.0')
  afterAll(() => {
    server.close()
    old.close()
  })

  test('are built, asked and taken away by its own commands', async () => {
    const task = await createSet('modern')
    const result = await compare(
      task,
      { quick: true, depths: [10], rounds: 1, passSeconds: 0.01, threads: 1 },
      { rivals: [REDIS], folder: join(folder, 'modern'), redis: server.url },
    )
    expect(result.skipped).toEqual([])
    expect(result.about).toMatchObject({ redis: { version: '8.2.1' } })
    expect(result.builds).toMatchObject([{ plan: 'M = 16, Q8', bytes: 20_000, rowBytes: 800 }])
    // The stand-in ranks exactly, so the least setting finds all.
    expect(result.measured).toMatchObject([{ setting: { ef: 10 }, recall: 1 }])
    const [time] = result.measured
    // Not this process's CPU time, which says nothing about a server.
    expect(time!.single!.cpu.median).toBe(time!.single!.wall.median)

    expect(server.commands).toContain('VADD nearhash-benchmark:Q8 FP32 199 Q8 EF 200 M 16')
    expect(server.commands).toContain('VSIM nearhash-benchmark:Q8 FP32 COUNT 10 EF 10')
    expect(server.keys()).toEqual([])
  })

  test.each([
    ['before version 8 are none', () => old.url, /Redis 7\.4\.0; vector sets came with 8/],
    ['that nobody answers for are named', () => 'redis://127.0.0.1:9', /^redis:\/\/127\.0\.0\.1:9: .*ECONNREFUSED/],
  ])('%s', async (_, url, reason) => {
    const field = new Field(await createSet('absent'), { threads: 1, folder: join(folder, 'absent'), quick: true, redis: url() })
    await field.enter(REDIS)
    expect(field.contestants).toEqual([])
    expect(field.skipped).toMatchObject([{ rival: 'redis', reason: expect.stringMatching(reason) }])
  })

  test('know angles only', () => {
    expect(REDIS.plans({ rows: 1000, dim: 4, metric: 'euclidean', integers: false, quick: true })).toEqual([])
  })
})
