import { L2, SRP, stats } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { refusal } from './support/errors.js'
import { normal, rowsOf } from './support/random.js'

describe('closed forms', () => {
  // By 40-digit arithmetic: erf(c / sqrt 2) - 2 (1 - exp(-c^2 / 2)) / (sqrt(2 pi) c), c = r / distance.
  it.each([
    [4, 1, 0.8005324324285],
    [1, 1, 0.3687463803725],
    [4, 2, 0.6095484222154],
    [1, 10, 0.03986101606564],
    [1, 1e6, 3.989422804014e-7],
    [1e6, 1, 0.9999992021154],
    [2.5, 0, 1],
  ])('collisionProbL2(%d, %d) is %d', (r, distance, expected) => {
    expect(stats.collisionProbL2(r, distance) / expected).toBeCloseTo(1, 9)
  })

  it.each([
    [1, 1],
    [0, 0.5],
    [-1, 0],
    [0.5, 2 / 3],
    [Math.SQRT1_2, 0.75],
  ])('collisionProbCosine(%d) is %d', (similarity, expected) => {
    expect(stats.collisionProbCosine(similarity)).toBeCloseTo(expected, 12)
  })

  it.each([
    [0.9, 10, 20, 1 - (1 - 0.9 ** 10) ** 20],
    [0.5, 1, 1, 0.5],
    [1, 64, 1, 1],
    [0, 1, 10_000, 0],
    [1e-3, 6, 1000, 1e-15],
  ])('detProbQuery(%d, %i, %i) is %d', (p1, k, l, expected) => {
    const received = stats.detProbQuery(p1, k, l)
    expect(expected === 0 ? received : received / expected).toBeCloseTo(expected === 0 ? 0 : 1, 9)
  })

  it('estimateL is the least number of tables that detProbQuery is content with', () => {
    for (const [delta, p1, k] of [[0.05, 0.9, 10], [0.1, 0.8, 15], [0.5, 0.99, 1], [0.001, 0.7, 4], [0.2, 0.6, 8]] as const) {
      const tables = stats.estimateL(delta, p1, k)
      expect(stats.detProbQuery(p1, k, tables)).toBeGreaterThanOrEqual(1 - delta)
      if (tables > 1) expect(stats.detProbQuery(p1, k, tables - 1)).toBeLessThan(1 - delta)
    }
    expect(stats.estimateL(0.05, 0.9, 10)).toBe(7)
    expect(stats.estimateL(0.05, 1, 10)).toBe(1)
  })
})

describe('measured collisions', () => {
  const functions = { nProjections: 64, nHashTables: 200 }
  const [a, direction] = rowsOf(2, 24, normal(31)) as [number[], number[]]
  const norm = Math.hypot(...direction)

  /** Share of all hash functions that agree, and how far chance may take it from `p`: four standard errors. */
  const expectShare = (x: Int32Array, y: Int32Array, p: number) => {
    const share = x.filter((value, i) => value === y[i]).length / x.length
    expect(Math.abs(share - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / x.length))
  }

  it.each([0.2, 0.5, 1, 2, 4])('of L2 at %d bucket widths are what theory says', (widths) => {
    const index = new L2({ ...functions, dim: 24, r: 3 })
    const b = a.map((x, i) => x + (direction[i]! / norm) * widths * 3)
    expectShare(index.hash([a]).data, index.hash([b]).data, stats.collisionProbL2(3, widths * 3))
  })

  it.each([0.05, 0.3, 1, 2, 3])('of SRP at an angle of %d are what theory says', (angle) => {
    const index = new SRP({ ...functions, dim: 24 })
    const normA = Math.hypot(...a)
    const dot = a.reduce((sum, x, i) => sum + x * direction[i]!, 0) / normA ** 2
    const across = direction.map((x, i) => x - dot * a[i]!)
    const normAcross = Math.hypot(...across)
    const b = a.map((x, i) => (Math.cos(angle) * x) / normA + (Math.sin(angle) * across[i]!) / normAcross)
    expectShare(index.hash([a]).data, index.hash([b]).data, stats.collisionProbCosine(Math.cos(angle)))
  })
})

describe('what makes no sense is refused', () => {
  const calls: [string, () => unknown][] = [
    ['r', () => stats.collisionProbL2(0, 1)],
    ['r', () => stats.collisionProbL2(-1, 1)],
    ['r', () => stats.collisionProbL2(NaN, 1)],
    ['r', () => stats.collisionProbL2(Infinity, 1)],
    ['r', () => stats.collisionProbL2('4' as unknown as number, 1)],
    ['distance', () => stats.collisionProbL2(4, -1)],
    ['distance', () => stats.collisionProbL2(4, NaN)],
    ['distance', () => stats.collisionProbL2(4, undefined as unknown as number)],
    ['similarity', () => stats.collisionProbCosine(1.01)],
    ['similarity', () => stats.collisionProbCosine(-1.01)],
    ['similarity', () => stats.collisionProbCosine(null as unknown as number)],
    ['p1', () => stats.detProbQuery(1.5, 1, 1)],
    ['p1', () => stats.detProbQuery(-0.5, 1, 1)],
    ['k', () => stats.detProbQuery(0.5, 0, 1)],
    ['k', () => stats.detProbQuery(0.5, 1.5, 1)],
    ['k', () => stats.detProbQuery(0.5, 2 ** 32, 1)],
    ['l', () => stats.detProbQuery(0.5, 1, 0)],
    ['l', () => stats.detProbQuery(0.5, 1, 1n as unknown as number)],
    ['delta', () => stats.estimateL(0, 0.5, 1)],
    ['delta', () => stats.estimateL(1, 0.5, 1)],
    ['delta', () => stats.estimateL(NaN, 0.5, 1)],
    ['p1', () => stats.estimateL(0.1, 2, 1)],
    ['k', () => stats.estimateL(0.1, 0.5, -1)],
  ]
  it.each(calls)('%s, in %s', (argument, call) => {
    expect(refusal(call)).toMatchObject({ code: 'ERR_NEARHASH_ARGUMENT', argument })
  })

  it('no number of tables is enough when nothing ever collides', () => {
    expect(refusal(() => stats.estimateL(0.1, 0, 3)).code).toBe('ERR_NEARHASH_ARGUMENT')
    expect(refusal(() => stats.estimateL(0.001, 0.01, 60)).code).toBe('ERR_NEARHASH_ARGUMENT')
  })
})
