import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { knnSync } from 'nearhash'
import { describe, expect, test } from 'vitest'
import { findSets, readSet } from '../../benchmark/datasets/evaluation-set.mjs'
import { runCommand } from './commands.js'
import { bytes, npyBytes, temporaryFolder, write } from './files.js'

const [rows, queries, dim, k] = [3000, 60, 8, 12]
const common = await temporaryFolder()

/** Numbers from 0 to 1, the same every time. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  })
}

/** Rows of length 1. */
function normalised(values: Float32Array): Float32Array {
  const result = values.map((value) => value - 0.5)
  for (let start = 0; start < result.length; start += dim) {
    const row = result.subarray(start, start + dim)
    const length = Math.hypot(...row)
    row.forEach((value, column) => { row[column] = value / length })
  }
  return result
}

interface Parts { folder: string; name: string; unit?: boolean; spoil?: (neighbours: Int32Array) => void }

async function writeSet({ folder, name, unit = false, spoil = () => {} }: Parts): Promise<string> {
  const path = join(folder, name)
  await mkdir(path, { recursive: true })
  const base = unit ? normalised(numbers(rows * dim, 1)) : numbers(rows * dim, 1)
  const asked = unit ? normalised(numbers(queries * dim, 2)) : numbers(queries * dim, 2)
  const metric = unit ? 'cosine' : 'euclidean'
  const found = knnSync({ data: base, shape: [rows, dim] }, { data: asked, shape: [queries, dim] }, { k, metric })
  const neighbours = Int32Array.from(found.ids)
  spoil(neighbours)
  await write(path, 'base.npy', npyBytes('<f4', [rows, dim], bytes(base)))
  await write(path, 'queries.npy', npyBytes('<f4', [queries, dim], bytes(asked)))
  await write(path, 'neighbors.npy', npyBytes('<i4', [queries, k], bytes(neighbours)))
  return path
}

describe('sets', async () => {
  const folder = await temporaryFolder()
  const plain = await writeSet({ folder, name: 'plain' })
  const unit = await writeSet({ folder, name: 'unit', unit: true })
  await mkdir(join(folder, 'no-set'))
  await write(folder, 'README.md', 'not a set')

  test('are the folders with a base.npy', async () => {
    expect(await findSets(folder)).toEqual([plain, unit])
    await expect(findSets(join(folder, 'no-set'))).rejects.toThrow('holds no folder with a base.npy')
    await expect(findSets(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('say their metric, or it follows from the rows', async () => {
    expect(await readSet(plain, { queries: 1000 })).toMatchObject({ name: 'plain', metric: 'euclidean', queries: { shape: [queries, dim] } })
    expect(await readSet(unit, { queries: 5 })).toMatchObject({ metric: 'cosine', queries: { shape: [5, dim] }, neighbours: { shape: [5, k] } })
    expect(await readSet(unit, { queries: 5, metric: 'euclidean' })).toMatchObject({ metric: 'euclidean' })
    await write(unit, 'metric.txt', 'euclidean\n')
    expect(await readSet(unit, { queries: 5 })).toMatchObject({ metric: 'euclidean' })
    await write(unit, 'metric.txt', 'hamming')
    await expect(readSet(unit, { queries: 5 })).rejects.toThrow('metric.txt: says "hamming"; euclidean or cosine is needed')
    await write(unit, 'metric.txt', 'cosine')
  })

  test('that contradict themselves are refused', async () => {
    const other = await writeSet({ folder, name: 'other' })
    await write(other, 'neighbors.npy', npyBytes('<i4', [2, 1], bytes(Int32Array.of(0, 1))))
    await expect(readSet(other, { queries: 5 })).rejects.toThrow(`has 2 rows, ${join(other, 'queries.npy')} has ${queries}`)
    await write(other, 'neighbors.npy', npyBytes('<i4', [queries, 1], bytes(new Int32Array(queries).fill(rows))))
    await expect(readSet(other, { queries: 5 })).rejects.toThrow(`${rows} is no row of`)
    await write(other, 'queries.npy', npyBytes('<f4', [queries, 2], bytes(new Float32Array(2 * queries))))
    await expect(readSet(other, { queries: 5 })).rejects.toThrow(`queries have 2 columns, ${join(other, 'base.npy')} has ${dim}`)
  })
})

describe('npm run recall', () => {
  test('without NEARHASH_DATA says what to set and checks the bundled points', async () => {
    const { code, stdout, stderr } = await runCommand('recall', ['--queries', '200', '--part', 'lsh'])
    expect(stdout).toContain('photo-histograms-64-32000 (bundled): 31,800 x 64, 200 queries, euclidean')
    expect(stdout).toContain('exact search agrees with a plain loop on 20 queries')
    expect(stdout).toContain('All checks passed on 1 set.')
    expect(stderr).toMatch(/^NEARHASH_DATA is not set: [^\n]+\n$/)
    expect(code).toBe(0)
  })

  test('checks every set in the folder', async () => {
    const folder = join(common, 'sound')
    await writeSet({ folder, name: 'plain' })
    await writeSet({ folder, name: 'unit', unit: true })
    const { code, stdout, stderr } = await runCommand('recall', ['--part', 'lsh'], { env: { NEARHASH_DATA: folder } })
    expect(stdout).toContain(`plain: 3,000 x 8, ${queries} queries, euclidean\nexact search equals neighbors.npy (12 each) for 60 of 60 queries`)
    expect(stdout).toContain(`unit: 3,000 x 8, ${queries} queries, cosine`)
    expect(stdout).toContain('All checks passed on 2 sets.')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('fails on neighbours that are not the nearest', async () => {
    const folder = join(common, 'wrong')
    await writeSet({ folder, name: 'spoilt', spoil: (neighbours) => { neighbours[3 * k] = (neighbours[3 * k]! + 1) % rows } })
    const { code, stdout } = await runCommand('recall', ['--part', 'lsh'], { env: { NEARHASH_DATA: folder } })
    expect(stdout).toContain('FAILED  exact search differs from neighbors.npy in 1 of 60 queries')
    expect(stdout).toContain('1 check failed:\n  spoilt: exact search differs')
    expect(code).toBe(1)
  })

  test('holds Index against what was asked, and queries unlike the data', async () => {
    const folder = join(common, 'index')
    await writeSet({ folder, name: 'plain' })
    const { code, stdout, stderr } = await runCommand('recall', ['--part', 'index'], { env: { NEARHASH_DATA: folder } })
    expect(stdout).toContain(`plain: 3,000 x 8, ${queries} queries, euclidean`)
    for (const k of [1, 10, 100]) expect(stdout).toMatch(new RegExp(`^held-out +${k} +\\.950 +[.1]\\d`, 'm'))
    for (const kind of ['gaussian', 'negated', 'far-out']) expect(stdout).toMatch(new RegExp(`^${kind} +10 +\\.950 `, 'm'))
    // A verdict is no guess: what it says is what the code says.
    expect(stdout.includes('All checks passed on 1 set.')).toBe(!stdout.includes('FAILED'))
    expect({ code, stderr }).toEqual({ code: stdout.includes('FAILED') ? 1 : 0, stderr: '' })
  })

  test.each<[string, string[], Record<string, string>, number, RegExp]>([
    ['an unknown part', ['--part', 'all'], {}, 2, /--part "all": lsh or index is needed/],
    ['a folder that is not there', [], { NEARHASH_DATA: '/no/such/folder' }, 1, /\/no\/such\/folder: no such file or folder/],
    ['an unknown metric', ['--metric', 'hamming'], {}, 2, /--metric "hamming": euclidean or cosine is needed/],
    ['no queries', ['--queries', '0'], {}, 2, /--queries "0": a whole number from 1/],
    ['an unknown option', ['--tables', '5'], {}, 2, /unknown option '--tables'/],
  ])('answers %s in one line', async (_, args, env, expected, message) => {
    const { code, stderr } = await runCommand('recall', args, { env })
    expect(code).toBe(expected)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^npm run recall: [^\n]+\n$/)
  })
})
