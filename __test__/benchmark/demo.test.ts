import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runExperiment } from '../../benchmark/demo/experiment.mjs'
import { DEFAULTS, readOptions } from '../../benchmark/demo/options.mjs'
import { runCommand } from './commands.js'
import { temporaryFolder, write } from './files.js'

const folder = await temporaryFolder()
const ragged = await write(folder, 'ragged.csv', '1,2,3\n4,5\n')
const few = await write(folder, 'few.csv', '1,2\n3,4\n5,6\n')
const text = await write(folder, 'text.npy', 'hello')

/** Points in clusters, the same every time: near neighbours exist, and far points. */
function clusters(rows: number, dim: number): number[][] {
  let state = 12345
  const next = () => {
    state = (state * 1103515245 + 12345) % 2147483648
    return state / 2147483648
  }
  const centres = Array.from({ length: 8 }, () => Array.from({ length: dim }, () => 10 * next()))
  return Array.from({ length: rows }, (_, row) => centres[row % 8]!.map((value) => value + next()))
}

const settings = { queries: 20, l2Projections: [1, 24], srpProjections: [1, 24], tables: [2, 30], probes: [0, 3], seed: 5 }
const rows = clusters(400, 6)
const points = { data: Float32Array.from(rows.flat()), shape: [400, 6] as [number, number] }

describe('experiment', () => {
  test('R, the near share and the counts follow from the points', async () => {
    // The other corners are 3, 4 and 5 away: 4 in the mean.
    const triangle = { data: Float64Array.of(0, 0, 3, 0, 0, 4), shape: [3, 2] as [number, number] }
    const { meanDistance, R, nearShare, neighbours, notes, families } = await runExperiment(triangle, { ...settings, queries: 3 })
    expect(meanDistance).toBeCloseTo(4, 6)
    expect(R).toBeCloseTo(1.6, 6)
    expect(nearShare).toBe(0)
    expect(neighbours).toBe(2)
    // The corner at 0 has no direction.
    expect(families.map(({ family }) => family)).toEqual(['L2'])
    expect(notes).toEqual([expect.stringContaining('SRP is left out')])
  })

  test('every setting is tried, and recall rises with tables and probes', async () => {
    const progress: { done: number; total: number }[] = []
    const { families, nearShare } = await runExperiment(points, settings, { onProgress: (step) => progress.push({ ...step }) })
    expect(nearShare).toBe(1)
    expect(families.map(({ family, metric }) => [family, metric])).toEqual([['L2', 'euclidean'], ['SRP', 'cosine']])
    for (const { trials, exact } of families) {
      expect(trials.map(({ probing, nProjections, nHashTables, probes }) => [probing, nProjections, nHashTables, probes])).toEqual([
        ['base', 1, 2, 0], ['base', 1, 30, 0], ['multi-probe', 1, 2, 0], ['multi-probe', 1, 2, 3],
        ['base', 24, 2, 0], ['base', 24, 30, 0], ['multi-probe', 24, 2, 0], ['multi-probe', 24, 2, 3],
      ])
      // With one hash function and many tables everything meets everything, but for the own row.
      expect(trials[1]).toMatchObject({ recallAt10: 1, firstInTop5: 1, collisions: 399 })
      expect(trials[5]!.recallAt10).toBeGreaterThan(trials[4]!.recallAt10)
      expect(trials[7]!.recallAt10).toBeGreaterThan(trials[6]!.recallAt10)
      // A budget of 0 is base.
      expect(trials[6]).toMatchObject({ recallAt10: trials[4]!.recallAt10, collisions: trials[4]!.collisions })
      for (const { speedUp, speedUpOverKnn, predict, fit } of trials) {
        expect(speedUp).toBe(exact.cdist.median / predict.median)
        expect(speedUpOverKnn).toBe(exact.knn.median / predict.median)
        expect(fit.runs).toBeGreaterThanOrEqual(3)
      }
    }
    expect(progress.map(({ done }) => done)).toEqual(Array.from({ length: progress.length }, (_, step) => step))
    expect(progress.at(-1)).toMatchObject({ done: progress[0]!.total, total: progress[0]!.total })
  })

  test('what cannot be searched is refused', async () => {
    const same = { data: new Float32Array(12).fill(3), shape: [6, 2] as [number, number] }
    await expect(runExperiment(same, { ...settings, queries: 2 })).rejects.toThrow('all points are equal')
    await expect(runExperiment(same, { ...settings, queries: 7 })).rejects.toThrow('7 queries are more than the 6 rows')
    const lone = { data: new Float32Array(2), shape: [1, 2] as [number, number] }
    await expect(runExperiment(lone, { ...settings, queries: 1 })).rejects.toThrow('at least 2 rows')
  })

  test('stops when asked to', async () => {
    const cancellation = new AbortController()
    const running = runExperiment(points, settings, {
      signal: cancellation.signal,
      onProgress: ({ stage }) => { if (stage.startsWith('SRP')) cancellation.abort() },
    })
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('options', () => {
  test('defaults are the experiment as described', () => {
    expect(readOptions([])).toEqual(DEFAULTS)
    expect(DEFAULTS).toMatchObject({
      l2Projections: [15, 30], tables: [5, 10, 15, 20, 50, 100], probes: [10, 15, 20, 50, 100],
    })
  })

  test('lists are sorted and freed of repeats', () => {
    expect(readOptions(['--k', '8,4,8', '--tables', '3', '--probes=0,2', '--seed', '0', '--queries', '7', '--threads', '1'])).toMatchObject({
      l2Projections: [4, 8], srpProjections: [4, 8], tables: [3], probes: [0, 2], seed: 0, queries: 7, threads: 1,
    })
    expect(readOptions(['--help'])).toBe('help')
  })
})

describe('npm run demo', () => {
  test('runs on a file of ones own and writes everything', async () => {
    const data = await write(folder, 'my points.csv', `${['a', 'b', 'c', 'd', 'e', 'f'].join(',')}\n${rows.map((row) => row.join(',')).join('\n')}\n`)
    const out = join(folder, 'nested', 'results')
    const { code, stdout, stderr } = await runCommand('demo', ['--data', data, '--queries', '20', '--k', '4,8', '--tables', '2,6', '--probes', '3', '--seed', '9', '--threads', '1', '--out', out])
    // Also quiet: stderr is no terminal here.
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('my points, first line taken as column names')
    expect(stdout).toContain('400 points x 6; the first 20 are the queries')
    expect(stdout).toContain('on 1 thread with')
    expect(stdout).not.toMatch(/\[|\r/)

    expect((await readdir(out)).sort()).toEqual(['l2.png', 'l2.svg', 'l2.vl.json', 'report.html', 'results.json', 'srp.png', 'srp.svg', 'srp.vl.json'])
    const results = JSON.parse(await readFile(join(out, 'results.json'), 'utf8'))
    expect(results).toMatchObject({
      machine: { node: process.version, threads: 1, kernel: expect.any(String), cpu: expect.any(String), cores: expect.any(Number), os: expect.any(String), nearhash: expect.any(String), date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
      data: { name: 'my points', type: 'csv', header: true, rows: 400, dim: 6 },
      queries: 20, seed: 9, r: 4,
    })
    expect(results.families).toHaveLength(2)
    expect(results.families[0].trials).toHaveLength(6)
    const html = await readFile(join(out, 'report.html'), 'utf8')
    expect(html).toContain('LSH beside exact search: my points')
    expect(html).not.toMatch(/https?:/)
    expect(await readFile(join(out, 'l2.svg'), 'utf8')).toContain('my points: 400 points × 6')
  })

  test('shows its options', async () => {
    const { code, stdout, stderr } = await runCommand('demo', ['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const option of ['--data', '--queries', '--k', '--tables', '--probes', '--seed', '--threads', '--out', '--help']) expect(stdout).toContain(option)
  })

  test('stops at Ctrl-C', async () => {
    const { code, stderr } = await runCommand('demo', ['--k', '64', '--tables', '4000,8000', '--out', join(folder, 'stopped')], { interruptAt: 'kernels' })
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'npm run demo: cancelled\n' })
  })

  test.each<[string, string[], number, RegExp]>([
    ['an unknown option', ['--tabels', '5'], 2, /unknown option '--tabels'/],
    ['an argument without an option', ['points.csv'], 2, /unexpected argument 'points\.csv'/],
    ['an option without its value', ['--data'], 2, /'--data <value>' argument missing/],
    ['a value that looks like an option', ['--probes', '-1'], 2, /'--probes' argument is ambiguous/],
    ['k of 0', ['--k', '0'], 2, /--k "0": whole numbers from 1 to 64/],
    ['k of 65', ['--k', '15,65'], 2, /--k "15,65": whole numbers from 1 to 64/],
    ['an empty list', ['--k', ''], 2, /--k "": whole numbers/],
    ['a gap in a list', ['--tables', '5,,10'], 2, /--tables "5,,10": whole numbers from 1/],
    ['no number', ['--seed', 'lucky'], 2, /--seed "lucky": a whole number from 0 to 9007199254740991/],
    ['half a query', ['--queries', '1.5'], 2, /--queries "1\.5": a whole number from 1/],
    ['no threads', ['--threads', '0'], 2, /--threads "0": a whole number from 1/],
    ['a missing file', ['--data', join(folder, 'missing.npy')], 1, /missing\.npy: no such file or folder/],
    ['a file of another kind', ['--data', join(folder, 'points.json')], 1, /points\.json: not a \.npy or \.csv file/],
    ['a folder', ['--data', folder], 1, /: not a \.npy or \.csv file/],
    ['a damaged .npy', ['--data', text], 1, /text\.npy: can't be read as \.npy/],
    ['a ragged .csv', ['--data', ragged], 1, /ragged\.csv: line 2 has 2 fields, the first line has 3/],
    ['more queries than rows', ['--data', few, '--queries', '4'], 1, /4 queries are more than the 3 rows/],
    ['a file as output folder', ['--data', few, '--out', few], 1, /few\.csv: a file, where a folder is needed/],
  ])('answers %s in one line', async (_, args, expected, message) => {
    const { code, stderr } = await runCommand('demo', ['--out', join(folder, 'refused'), ...args])
    expect(code).toBe(expected)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^npm run demo: [^\n]+\n$/)
    expect(stderr).not.toContain('    at ')
  })
})
