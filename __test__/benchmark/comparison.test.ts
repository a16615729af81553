import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readOptions } from '../../benchmark/comparison/options.mjs'
import { RIVALS } from '../../benchmark/rivals/catalogue.mjs'
import { Channel } from '../../benchmark/rivals/channel.mjs'
import type { Rival } from '../../benchmark/rivals/rival.mjs'
import { runCommand } from './commands.js'
import { bytes, npyBytes, temporaryFolder, write } from './files.js'

const folder = await temporaryFolder()
const BIG = 300_000

function rivalOf(id: string): Rival {
  return RIVALS.find((rival) => rival.id === id)!
}

/** Twelve clusters in eight dimensions, in a folder as NEARHASH_DATA names one. */
async function dataFolder(name: string): Promise<string> {
  const number = (place: number) => ((Math.sin(place * 78.233) * 43758.5453) % 1) * 10
  const matrix = (rows: number, offset: number) => Float32Array.from({ length: rows * 8 }, (_, place) => (
    number((Math.floor(place / 8) % 12) * 8 + (place % 8)) * 5 + number(place + offset)
  ))
  const [base, queries] = [matrix(1200, 1000), matrix(30, 500_000)]
  const neighbours = new Int32Array(30 * 100)
  for (let query = 0; query < 30; query++) {
    const distances = Array.from({ length: 1200 }, (_, row) => {
      let square = 0
      for (let column = 0; column < 8; column++) square += (base[row * 8 + column]! - queries[query * 8 + column]!) ** 2
      return { row, square }
    }).sort((a, b) => a.square - b.square || a.row - b.row)
    for (let place = 0; place < 100; place++) neighbours[query * 100 + place] = distances[place]!.row
  }
  const parent = join(folder, name)
  await mkdir(join(parent, 'clusters'), { recursive: true })
  await write(join(parent, 'clusters'), 'base.npy', npyBytes('<f4', [1200, 8], bytes(base)))
  await write(join(parent, 'clusters'), 'queries.npy', npyBytes('<f4', [30, 8], bytes(queries)))
  await write(join(parent, 'clusters'), 'neighbors.npy', npyBytes('<i4', [30, 100], bytes(neighbours)))
  await write(join(parent, 'clusters'), 'metric.txt', 'euclidean\n')
  return parent
}

describe('options', () => {
  test('are read, lists without repetition', () => {
    expect(readOptions(['--help'])).toBe('help')
    expect(readOptions([])).toMatchObject({ quick: false, growth: false, clock: 'wall', install: true, installPython: false, rounds: 7 })
    expect(readOptions(['--quick', '--sets', 'a, b,a', '--rivals', 'exact,usearch', '--threads', '1', '--no-install', '--clock', 'cpu', '--k', '1,50'])).toMatchObject({
      quick: true, sets: ['a', 'b'], rivals: ['exact', 'usearch'], threads: 1, install: false, clock: 'cpu', rounds: 3, depths: [1, 50],
    })
    expect(readOptions(['--growth', '--sizes', '3000,1000'])).toMatchObject({ growth: true, sizes: [1000, 3000] })
    expect(readOptions(['--redis', 'redis://localhost:6379'])).toMatchObject({ redis: 'redis://localhost:6379' })
  })

  test.each([
    [['--rivals', 'exact,sqlite'], /--rivals "sqlite": any of index, .*puffinn.*, parted by commas/],
    [['--rivals', ','], /--rivals ",":/],
    [['--sets', ''], /--sets "": names parted by commas/],
    [['--threads', '0'], /--threads "0": a whole number from 1/],
    [['--rounds', 'many'], /--rounds "many"/],
    [['--clock', 'sun'], /--clock "sun": wall or cpu/],
    [['--sizes', '1000'], /--sizes is for --growth only/],
    [['--k', '101'], /--k "101": whole numbers from 1 to 100/],
    [['--redis', 'localhost'], /--redis "localhost": a URL such as redis:/],
    [['--fast'], /unknown option '--fast'/],
    [['here'], /unexpected argument 'here'/],
  ])('%j is refused', (args, message) => {
    expect(() => readOptions(args)).toThrow(message)
  })
})

describe('the catalogue', () => {
  test('names every rival once, with plans of different names', () => {
    expect(new Set(RIVALS.map(({ id }) => id)).size).toBe(RIVALS.length)
    expect(new Set(RIVALS.map(({ name }) => name)).size).toBe(RIVALS.length)
    for (const quick of [true, false]) {
      for (const metric of ['euclidean', 'cosine'] as const) {
        for (const rival of RIVALS) {
          const plans = rival.plans({ rows: 100_000, dim: 64, metric, integers: false, quick })
          // Redis knows angles only.
          if (plans.length === 0) expect([rival.id, metric]).toEqual(['redis', 'euclidean'])
          expect(new Set(plans.map(({ name }) => name)).size).toBe(plans.length)
          for (const plan of plans) for (const k of [1, 10, 100]) expect(plan.settings(k).length).toBeGreaterThan(0)
        }
      }
    }
  })

  test('graphs are searched no narrower than k', () => {
    const plan = rivalOf('hnswlib-node').plans({ rows: 1000, dim: 8, metric: 'euclidean', integers: false, quick: false })[0]!
    expect(plan.settings(10)[0]).toEqual({ ef: 10 })
    expect(plan.settings(1)[0]).toEqual({ ef: 10 })
    expect(plan.settings(100)[0]).toEqual({ ef: 100 })
    expect(plan.settings(100).every(({ ef }) => ef! >= 100)).toBe(true)
  })
})

describe('a worker', () => {
  test('says what is missing, and goes on after a request that failed', async () => {
    const channel = new Channel(rivalOf('exact'), { threads: 1 })
    try {
      const request = { plan: 'none', setting: {}, k: 1, count: 1, queries: 1, warmUp: 0, calls: 'single' as const }
      await expect(channel.time(request)).rejects.toThrow('nothing was built as "none"')
      await expect(channel.time(request)).rejects.toThrow('nothing was built as "none"')
    } finally {
      await channel.close()
    }
    await expect(channel.drop('none')).rejects.toThrow('its process has ended')
  })

  test('that can not be started is unavailable, not a crash', async () => {
    const channel = new Channel(rivalOf('numpy'), { threads: 1, python: join(folder, 'no-python') })
    await expect(channel.drop('any')).rejects.toMatchObject({ name: 'Unavailable', message: expect.stringContaining('no-python') })
    await channel.close()
  })
})

describe('npm run bench', () => {
  const own = ['--rivals', 'exact,lsh,numpy', '--no-install', '--python', join(folder, 'nowhere')]

  test('measures, names who is missing, and writes report, figures, table and numbers', async () => {
    const data = await dataFolder('data')
    const out = join(folder, 'out')
    const { code, stdout, stderr } = await runCommand('bench', ['--quick', ...own, '--threads', '2', '--out', out], { env: { NEARHASH_DATA: data } })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toContain('clusters: 1,200 x 8, euclidean, 30 queries')
    expect(stdout).toContain('Left out: NumPy/BLAS exact: no Python environment')
    expect((await readdir(out)).sort()).toEqual(['clusters.png', 'clusters.svg', 'report.html', 'results.json', 'table.md'])

    const results = JSON.parse(await readFile(join(out, 'results.json'), 'utf8'))
    expect(results).toMatchObject({ format: 1, kind: 'comparison', settings: { quick: true, threads: 2 } })
    const [set] = results.sets
    const exact = set.measured.find(({ rival }: { rival: string }) => rival === 'exact')
    expect(exact).toMatchObject({ recall: 1, p1: 1, p5: 1, none: 0, exact: true, single: { wall: { runs: 3 } }, oneCall: { cpu: { runs: 3 } } })
    const most = Math.max(...set.measured.filter(({ rival }: { rival: string }) => rival === 'lsh').map(({ recall }: { recall: number }) => recall))
    expect(most).toBeGreaterThan(0.9)
    expect(set.parallelMeasured.every(({ threads }: { threads: number }) => threads === 2)).toBe(true)
    expect(set.builds.every(({ bytes, rowBytes }: { bytes: number; rowBytes: number }) => bytes >= rowBytes)).toBe(true)

    const html = await readFile(join(out, 'report.html'), 'utf8')
    expect(html).toContain('nearhash exact scan')
    expect(html).not.toMatch(/\b(src|href)=|@import|url\(/)
    const table = await readFile(join(out, 'table.md'), 'utf8')
    expect(table.trim().split('\n')).toHaveLength(4)

    // What an engine's own micro-benchmark leaves there appears too, without measuring again.
    await writeFile(join(out, 'kernels.json'), JSON.stringify({ columns: ['kernel', 'GB/s'], rows: [['dot <8 bit>', 41.5]] }))
    const again = await runCommand('bench', ['--report', '--out', out])
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('dot &lt;8 bit&gt;')
  }, BIG)

  test('shows how time grows with the number of points', async () => {
    const data = await dataFolder('growing')
    const out = join(folder, 'growth')
    const { code, stdout, stderr } = await runCommand('bench', ['--growth', '--quick', '--sizes', '1000,3000', '--rivals', 'exact,lsh', '--no-install', '--out', out], { env: { NEARHASH_DATA: data } })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toContain('µs a query at recall@10 of 0.95')
    const { kind, sets, enlarged } = JSON.parse(await readFile(join(out, 'growth.json'), 'utf8'))
    expect(kind).toBe('growth')
    expect(sets.map(({ rows }: { rows: number }) => rows)).toEqual([1000, 3000])
    expect(enlarged).toMatchObject({ realRows: 1200 })
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('tenth neighbour')
  }, BIG)

  test('stops at Ctrl-C and takes its files away', async () => {
    const [data, temporary] = [await dataFolder('stopped'), join(folder, 'temporary')]
    await mkdir(temporary)
    const ended = await runCommand('bench', [...own, '--out', join(folder, 'stopped-out')], { env: { NEARHASH_DATA: data, TMPDIR: temporary }, interruptAt: 'nearhash' })
    expect(ended).toMatchObject({ code: 130, stderr: 'npm run bench: cancelled\n' })
    expect(await readdir(temporary)).toEqual([])
  }, BIG)

  test.each([
    [['--sets', 'faces'], 1, /holds no set "faces", but clusters/],
    [['--rivals', 'sqlite'], 2, /--rivals "sqlite": any of .* \(npm run bench -- --help\)/],
    [['--report', '--out', join(folder, 'empty')], 1, /holds neither results\.json nor growth\.json/],
  ])('%j is one line on stderr', async (args, code, message) => {
    const data = await dataFolder('refused')
    const ended = await runCommand('bench', ['--no-install', '--out', join(folder, 'empty'), ...args], { env: { NEARHASH_DATA: data } })
    expect(ended.code).toBe(code)
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr.trim().split('\n')).toHaveLength(1)
  })
})
