// V8 is told what indexes hold outside of its heap, and nothing stays behind.

import { describe, expect, it } from 'vitest'
import { runProgram } from './support/programs.js'

/** Changes smaller than this are not worth telling. */
const STEP = 64 << 10

it.each(['SRP', 'L2', 'Index'])('V8 knows at any time how much memory an index of %s holds', async (family) => {
  const { code, stdout, stderr } = await runProgram('told-memory.mjs', { flags: ['--expose-gc'], args: [family] })
  expect([code, stderr]).toEqual([0, ''])
  const steps = JSON.parse(stdout) as { name: string; held: number; told: number }[]
  const held = Object.fromEntries(steps.map(({ name, held }) => [name, held]))
  const points = 50_000 * 32 * 4
  expect(held['fit']).toBeGreaterThan(points)
  expect(held['storeVecs']).toBeGreaterThan(2 * points)
  expect(held['storeVecsSync']).toBeGreaterThan(3 * points)
  expect(held['5000 x storeVec']).toBeGreaterThan(held['storeVecsSync']!)
  expect(held['an aborted fit']).toBe(held['fit'])
  expect(held['reset']).toBe(0)
  expect(steps).toHaveLength(15)
  for (const { name, held, told } of steps) {
    if (Math.abs(told - held) > 2 * STEP) expect.fail(`after ${name} ${held} bytes are held and V8 was told of ${told}`)
  }
})

describe('in a process of its own, nothing leaks through', () => {
  it.each(['fit and dispose', 'fit and forget', 'fit again', 'search and predict', 'Index, fit and dispose', 'Index, search', 'knn and cdist', 'store and delete', 'words', 'abort', 'errors'])('%s', async (scene) => {
    const { code, stdout, stderr } = await runProgram('leak.mjs', { flags: ['--expose-gc'], args: [scene] })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const { before, after, growth } = JSON.parse(stdout) as { before: number; after: number; growth: number }
    // Each scene goes through more than 100 MB. A result of 16 MB or two may wait for their finalisers.
    expect(growth, `from ${before} to ${after} bytes`).toBeLessThan(60e6)
  })
})
