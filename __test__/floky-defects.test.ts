// What floky's engine got wrong, each point by name, on 32,000 colour histograms of real photos.

import { knnSync, L2, SRP, type LshIndex, type Neighbors } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { photoHistograms } from './support/photos.js'
import { integers, rowsOf } from './support/random.js'

const photos = photoHistograms()
const [ROWS, DIM] = photos.shape
/** The first hundred photos; each finds itself first, which is left out. */
const queries = { data: photos.data.slice(0, 100 * DIM), shape: [100, DIM] } as const
/** Mean distance of two photos / 2.5, so that true neighbours are nearer than 1; r = 4 of these. */
const R = 840
const r = 4 * R

const truth = {
  euclidean: neighbourSets(knnSync(photos, queries, { k: 11 })),
  cosine: neighbourSets(knnSync(photos, queries, { k: 11, metric: 'cosine' })),
}

/** The ten nearest of each query but itself. */
function neighbourSets(found: Neighbors): Set<number>[] {
  return Array.from(found, ({ ids }, query) => new Set(Array.from(ids).filter((id) => id !== query).slice(0, 10)))
}

/** recall@10, and how many candidates were looked at in all. */
function measure(index: LshIndex): { recall: number; candidates: number } {
  const results = index.predictSync(queries, { topK: 11, onlyIndex: true })
  let [hits, candidates] = [0, 0]
  for (const [query, { index: ids, nCollisions }] of results.entries()) {
    candidates += nCollisions
    for (const id of ids) if (id !== query && truth[index.metric][query]!.has(id)) hits++
  }
  return { recall: hits / (10 * results.length), candidates }
}

describe('1. points fitted in one batch are filed under their own ids in every table', () => {
  it.each([
    ['L2', (nHashTables: number) => new L2({ nProjections: 15, nHashTables, r, seed: 1 }), 0.96],
    ['SRP', (nHashTables: number) => new SRP({ nProjections: 15, nHashTables, seed: 1 }), 0.97],
  ] as const)('%s: recall rises with the number of tables', (_name, make, last) => {
    const recalls = [1, 5, 10, 20, 50, 100].map((tables) => measure(make(tables).fitSync(photos)).recall)
    for (const [i, recall] of recalls.entries()) if (i > 0) expect(recall).toBeGreaterThan(recalls[i - 1]!)
    expect(recalls.at(-1)).toBeGreaterThan(last)
    expect(recalls[0]).toBeLessThan(0.6)
  })

  it('a fit, chunks of 250 and vectors one by one give the same answers', async () => {
    const some = { data: photos.data.subarray(0, 6000 * DIM), shape: [6000, DIM] } as const
    const options = { nProjections: 12, nHashTables: 8, dim: DIM, r, seed: 1 }
    const whole = new L2(options).fitSync(some)
    const chunks = new L2(options)
    for (let i = 0; i < 6000; i += 250) await chunks.storeVecs(photos.data.subarray(i * DIM, (i + 250) * DIM))
    const single = new L2(options)
    for (let i = 0; i < 6000; i++) single.storeVec(photos.data.subarray(i * DIM, (i + 1) * DIM))
    const expected = whole.searchSync(queries)
    expect(chunks.searchSync(queries)).toEqual(expected)
    expect(single.searchSync(queries)).toEqual(expected)
    for (const table of [0, 7]) {
      expect(chunks.buckets(table)).toEqual(whole.buckets(table))
      expect(single.buckets(table)).toEqual(whole.buckets(table))
    }
  })

  it('every point is found in its own bucket of every table', () => {
    const index = new L2({ nProjections: 15, nHashTables: 3, r }).fitSync(photos)
    for (let table = 0; table < 3; table++) {
      const ids = [...index.buckets(table).values()].flatMap((bucket) => Array.from(bucket))
      expect(ids).toHaveLength(ROWS)
      expect(new Set(ids).size).toBe(ROWS)
    }
  })
})

describe('2. multi-probe of SRP reaches other buckets', () => {
  it('more candidates and a higher recall, the larger the budget', () => {
    const index = new SRP({ nProjections: 15, nHashTables: 5, seed: 1 }).fitSync(photos)
    const steps = [0, 1, 5, 10, 20, 50, 100].map((budget) => measure(index.multiProbe(budget)))
    for (const [i, { recall, candidates }] of steps.entries()) {
      if (i === 0) continue
      expect(candidates).toBeGreaterThan(steps[i - 1]!.candidates)
      expect(recall).toBeGreaterThanOrEqual(steps[i - 1]!.recall)
    }
    expect(steps.at(-1)!.candidates).toBeGreaterThan(3 * steps[0]!.candidates)
    expect(steps.at(-1)!.recall).toBeGreaterThan(steps[0]!.recall + 0.2)
  })

  it('and so does that of L2', () => {
    const index = new L2({ nProjections: 15, nHashTables: 5, r, seed: 1 }).fitSync(photos)
    const recalls = [0, 5, 10, 20, 50, 100].map((budget) => measure(index.multiProbe(budget)).recall)
    for (const [i, recall] of recalls.entries()) if (i > 0) expect(recall).toBeGreaterThan(recalls[i - 1]!)
    expect(recalls.at(-1)).toBeGreaterThan(0.95)
  })
})

describe('3. a budget is spent as it is given', () => {
  it.each([
    ['L2', new L2({ nProjections: 15, nHashTables: 5, r, seed: 1 })],
    ['SRP', new SRP({ nProjections: 15, nHashTables: 5, seed: 1 })],
  ] as [string, LshIndex][])('%s: one more probe a table, odd or even, reaches a little more', (_name, index) => {
    index.fitSync(photos)
    const seen = Array.from({ length: 12 }, (_, i) => measure(index.multiProbe(8 + i)).candidates)
    for (const [i, candidates] of seen.entries()) {
      if (i === 0) continue
      expect(candidates).toBeGreaterThan(seen[i - 1]!)
      expect(candidates).toBeLessThan(1.2 * seen[i - 1]!)
    }
  })

  it('never more buckets than asked for', () => {
    // One table with all buckets full, so that every probe shows.
    const grid = rowsOf(20_000, 2, integers(141, 400))
    for (const index of [new L2({ nProjections: 2, nHashTables: 1, r: 30 }), new SRP({ nProjections: 4, nHashTables: 1 })]) {
      index.fitSync(grid.map(([x, y]) => [x! - 200.5, y! - 200.5]))
      const bucketOf = new Map([...index.buckets(0).values()].flatMap((ids, bucket) => Array.from(ids, (id) => [id, bucket])))
      for (const budget of [0, 1, 2, 3, 4]) {
        const reached = new Set(Array.from(index.multiProbe(budget).queryBucketIdx([3.5, 8.5]), (id) => bucketOf.get(id)))
        expect(reached.size).toBeLessThanOrEqual(1 + budget)
        if (index instanceof L2) expect(reached.size).toBe(1 + budget)
      }
    }
  })
})

describe('4. probes are valid and never repeated, and running out of them is no error', () => {
  it('L2: each of the first eight probes reaches another neighbour of the own bucket', () => {
    const grid = rowsOf(20_000, 2, integers(142, 400))
    const index = new L2({ nProjections: 2, nHashTables: 1, r: 40 }).fitSync(grid)
    const keyOf = new Map([...index.buckets(0)].flatMap(([key, ids]) => Array.from(ids, (id) => [id, key] as const)))
    const query = [200, 200]
    const home = Array.from(index.hash(query).data)
    for (let budget = 0; budget <= 12; budget++) {
      const reached = new Set(Array.from(index.multiProbe(budget).queryBucketIdx(query), (id) => keyOf.get(id)!))
      expect(reached.size).toBe(1 + Math.min(budget, 8))
      for (const key of reached) {
        const steps = key.split(',').map((value, i) => Math.abs(Number(value) - home[i]!))
        expect(Math.max(...steps)).toBeLessThanOrEqual(1)
      }
    }
  })

  it('in one dimension the first probe goes over the nearer edge', () => {
    const line = Array.from({ length: 2000 }, (_, i) => [i / 10])
    const index = new L2({ nProjections: 1, nHashTables: 1, r: 20 }).fitSync(line)
    const numberOf = line.map((x) => index.hash(x).data[0]!)
    const middle = numberOf[1000]!
    const bucket = line.filter((_, id) => numberOf[id] === middle)
    const [low, high] = [bucket[0]![0]!, bucket.at(-1)![0]!]
    const reached = (x: number) => new Set(Array.from(index.multiProbe(1).queryBucketIdx([x]), (id) => numberOf[id]))
    const upwards = numberOf.at(-1)! > numberOf[0]! ? 1 : -1
    expect(reached(low + 0.2)).toEqual(new Set([middle, middle - upwards]))
    expect(reached(high - 0.2)).toEqual(new Set([middle, middle + upwards]))
  })

  it('SRP: with as many probes as there are buckets every point is a candidate, and more probes change nothing', () => {
    const index = new SRP({ nProjections: 5, nHashTables: 2 }).fitSync(photos)
    const all = Uint32Array.from({ length: ROWS }, (_, id) => id)
    expect(index.multiProbe(31).queryBucketIdx(queries.data.subarray(0, DIM))).toEqual(all)
    expect(index.multiProbe(100_000).queryBucketIdx(queries.data.subarray(0, DIM))).toEqual(all)
  })

  it('L2: ten thousand probes of tiny tables are fine', () => {
    const index = new L2({ nProjections: 1, nHashTables: 2, r }).fitSync(photos).multiProbe(10_000)
    expect(measure(index).recall).toBeGreaterThan(0.99)
  })
})

describe('5. the small things', () => {
  const make = () => new L2({ nProjections: 15, nHashTables: 10, r })

  it('multiProbe before fit is kept', () => {
    const before = make().multiProbe(20).fitSync(photos)
    const after = make().fitSync(photos).multiProbe(20)
    expect(before.searchSync(queries)).toEqual(after.searchSync(queries))
    expect(before.searchSync(queries)).not.toEqual(make().fitSync(photos).searchSync(queries))
  })

  it('bound gives that many candidates, the likeliest ones, the same in every run', () => {
    const index = make().multiProbe(20).fitSync(photos)
    const all = measure(index).candidates / 100
    const bound = Math.floor(all / 4)
    const [one, again] = [1, 2].map(() => index.predictSync(queries, { topK: 11, bound }))
    expect(one!.map((result) => result.toJSON())).toEqual(again!.map((result) => result.toJSON()))
    let hits = 0
    for (const [query, { index: ids, nCollisions }] of one!.entries()) {
      expect(nCollisions).toBeLessThanOrEqual(bound)
      hits += ids.filter((id) => truth.euclidean[query]!.has(id)).length
    }
    // Far more than a quarter of what all candidates hold, as an arbitrary part would.
    expect(hits / 1000).toBeGreaterThan(0.6 * measure(index).recall)
  })

  it('seed 0 is a seed like others: the same index every time', () => {
    const [one, other, third] = [0, 0, 1].map((seed) => new SRP({ nProjections: 15, nHashTables: 3, seed }).fitSync(photos))
    expect(one!.buckets(2)).toEqual(other!.buckets(2))
    expect(one!.searchSync(queries)).toEqual(other!.searchSync(queries))
    expect(one!.hash(queries)).not.toEqual(third!.hash(queries))
  })

  it('a plain list of lists is a data set', () => {
    const lists = Array.from({ length: 3000 }, (_, row) => Array.from(photos.data.subarray(row * DIM, (row + 1) * DIM)))
    const some = { data: photos.data.subarray(0, 3000 * DIM), shape: [3000, DIM] } as const
    expect(make().fitSync(lists).searchSync(lists.slice(0, 50))).toEqual(make().fitSync(some).searchSync(lists.slice(0, 50)))
  })

  it('a batch and its rows one by one have the same answers', () => {
    for (const index of [make(), new SRP({ nProjections: 15, nHashTables: 10 })]) {
      index.multiProbe(7).fitSync(photos)
      const batch = index.searchSync(queries)
      for (let i = 0; i < 100; i++) {
        expect(index.searchSync(queries.data.subarray(i * DIM, (i + 1) * DIM)).at(0)).toEqual(batch.at(i))
      }
    }
  })

  it('cosine distances sort ascending, nearest first', () => {
    const index = new SRP({ nProjections: 8, nHashTables: 10 }).fitSync(photos)
    for (const [query, { index: ids, distances }] of index.predictSync(queries).entries()) {
      expect(distances[0]).toBe(0)
      expect(photos.data.subarray(ids[0]! * DIM, (ids[0]! + 1) * DIM)).toEqual(queries.data.subarray(query * DIM, (query + 1) * DIM))
      expect([...distances]).toEqual([...distances].sort((a, b) => a - b))
    }
  })
})
