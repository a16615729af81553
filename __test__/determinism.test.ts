import { createHash } from 'node:crypto'
import { configure, L2, runtime, SRP, type LshIndex } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { runProgram } from './support/programs.js'
import { integers, rowsOf } from './support/random.js'

// Integers, so that they are the same wherever they are drawn.
const points = rowsOf(400, 12, integers(131, 64)).map((row) => row.map((x) => x - 31.5))
const queries = rowsOf(8, 12, integers(132, 64)).map((row) => row.map((x) => x - 31.5))

/** Instruction sets of each architecture, worst first. */
const LEVELS: Partial<Record<NodeJS.Architecture, string[]>> = {
  x64: ['portable', 'avx2', 'avx512', 'avx512vnni'],
  arm64: ['portable', 'neon', 'neondot'],
}

describe('fits and answers do not depend on', () => {
  it('the number of threads or the instruction set', async () => {
    const levels = LEVELS[process.arch] ?? ['portable']
    const runs = levels.flatMap((cpu) => ['1', '5'].map((threads) => ({ cpu, threads })))
    const seen = new Map<string, string>()
    for (const { cpu, threads } of runs) {
      const { code, stdout, stderr } = await runProgram('digest.mjs', { env: { NEARHASH_CPU: cpu, NEARHASH_THREADS: threads } })
      expect([code, stderr]).toEqual([0, ''])
      const result = JSON.parse(stdout) as { digest: string; cpu: string; threads: number }
      expect(result.threads).toBe(Number(threads))
      // A CPU without the level has a lesser one; the portable one is forced in any case.
      if (cpu === 'portable') expect(result.cpu).toBe('portable')
      expect(levels.slice(0, levels.indexOf(cpu) + 1)).toContain(result.cpu)
      seen.set(`${result.cpu}, ${threads} threads`, result.digest)
    }
    expect(new Set(seen.values()).size, JSON.stringify([...seen], undefined, 1)).toBe(1)
    // Eight processes, two of them without vector instructions.
  }, 240_000)

  it('a number of threads that changes in between', async () => {
    const before = runtime().threads
    const digests = new Set<string>()
    for (const threads of [1, 4, 2, 7]) {
      configure({ threads })
      const index = await new L2(6, 8, { r: 100 }).multiProbe(3).fit(points)
      digests.add(digest(index))
    }
    configure({ threads: before })
    expect(digests.size).toBe(1)
  })

  it('when they are asked for: a seed gives one index for all time', () => {
    for (const seed of [0, 1, 2 ** 53 - 1]) {
      const [one, other] = [new SRP({ seed }).fitSync(points), new SRP({ seed }).fitSync(points)]
      expect(digest(one)).toBe(digest(other))
      expect(digest(one.fitSync(points))).toBe(digest(other.reset().fitSync(points)))
    }
  })
})

// What these seeds yield, on every platform and in every version that claims to be compatible.
describe('golden values', () => {
  it('of SRP', () => {
    const index = new SRP({ nProjections: 5, nHashTables: 6, seed: 42 }).fitSync(points)
    expect(index.hash(points[0]!).data.join('')).toBe('011001000011100101010111100100')
    expect(idsOf(index)).toEqual([[339, 314, 355], [141, 138, 298], [296, 37, 145], [251, 232, 173], [343, 231, 236], [172, 298, 191], [102, 47, 294], [326, 178, 69]])
    expect(idsOf(index.multiProbe(4))).toEqual([[339, 314, 164], [379, 141, 138], [296, 37, 145], [251, 169, 297], [343, 231, 236], [172, 298, 191], [102, 47, 210], [326, 197, 275]])
    expect(digest(index)).toBe('a2eb86a839f5e41c')
  })

  it('of L2', () => {
    const index = new L2({ nProjections: 5, nHashTables: 6, r: 120, seed: 42 }).fitSync(points)
    expect(index.hash(points[0]!).data.join()).toBe('0,0,1,0,0,0,-1,0,-1,-1,0,1,0,-1,-2,0,-1,2,0,0,-1,0,0,0,1,-1,0,1,0,0')
    expect(idsOf(index)).toEqual([[355, 314, 315], [298, 138, 141], [296, 188, 307], [251, 169, 173], [343, 257, 236], [298, 191, 172], [47, 16, 69], [326, 298, 275]])
    expect(idsOf(index.multiProbe(4))).toEqual([[339, 355, 314], [298, 138, 141], [296, 37, 145], [251, 169, 173], [343, 265, 257], [298, 191, 172], [102, 47, 294], [326, 298, 275]])
    expect(digest(index)).toBe('1bbf665eff80dc20')
  })

  it('of what fit chooses', () => {
    const srp = new SRP().fitSync(points)
    const l2 = new L2().fitSync(points)
    expect([srp.nProjections, srp.nHashTables]).toEqual([5, 14])
    expect([l2.nProjections, l2.nHashTables, l2.r]).toEqual([8, 13, 238.36107])
  })
})

function idsOf(index: LshIndex): number[][] {
  return Array.from(index.searchSync(queries, { k: 3 }), ({ ids }) => Array.from(ids))
}

/** Of all keys, buckets, candidates, ids and distances. */
function digest(index: LshIndex): string {
  const hash = createHash('sha256')
  const { data } = index.hash(points)
  const found = index.searchSync(queries, { k: 10 })
  for (const part of [data, found.ids, found.distances, found.counts]) hash.update(Buffer.from(part.buffer, part.byteOffset, part.byteLength))
  for (let table = 0; table < index.nHashTables!; table++) {
    for (const [key, ids] of index.buckets(table)) hash.update(`${key}:${ids.join()};`)
  }
  for (const query of queries) hash.update(index.queryBucketIdx(query).join())
  return hash.digest('hex').slice(0, 16)
}
