// Searches of SRP and L2 among some of the points: those candidates that a filter admits, and no others.

import { L2, SRP, type Filter, type LshIndex, type Neighbors } from 'nearhash'
import { describe, expect, it } from 'vitest'
import { filtersOf } from './support/filters.js'
import { matrixOf, normal } from './support/random.js'

const ROWS = 3000
const DIM = 70
const points = matrixOf(ROWS, DIM, normal(401))
const asked = matrixOf(12, DIM, normal(402))
const query = asked.data.slice(0, DIM)

const MAKE: [name: string, make: () => LshIndex][] = [
  ['SRP', () => new SRP({ nProjections: 6, nHashTables: 5 })],
  ['L2', () => new L2({ nProjections: 4, nHashTables: 5, r: 16 })],
]

function plain(found: Neighbors) {
  return Array.from(found, ({ ids, distances }) => ({ ids: Array.from(ids), distances: Array.from(distances) }))
}

describe.each(MAKE)('%s', (_name, make) => {
  /** All candidates, ranked; then those that are wanted, then the k nearest of them. */
  function slow(index: LshIndex, admits: (id: number) => boolean, k: number) {
    return plain(index.searchSync(asked, { k: ROWS })).map(({ ids, distances }) => {
      const places = ids.map((_, place) => place).filter((place) => admits(ids[place]!)).slice(0, k)
      return { ids: places.map((place) => ids[place]!), distances: places.map((place) => distances[place]!) }
    })
  }

  it.each<[string, (id: number) => boolean]>([
    ['none', () => false],
    ['one', (id) => id === 1234],
    ['a third', (id) => id % 3 === 1],
    ['all but a few', (id) => id % 500 !== 0],
    ['all', () => true],
  ])('a filter that admits %s of the points', async (_name, admits) => {
    for (const budget of [0, 4]) {
      const index = make().fitSync(points).multiProbe(budget)
      const { filters } = filtersOf(ROWS, admits)
      for (const k of [1, 10]) {
        const expected = slow(index, admits, k)
        for (const filter of filters) expect(plain(index.searchSync(asked, { k, filter }))).toEqual(expected)
        expect(plain(await index.search(asked, { k, filter: filters[0] }))).toEqual(expected)
        // A single query in a typed array has a way of its own.
        expect(plain(index.searchSync(query, { k, filter: filters[1] }))).toEqual(expected.slice(0, 1))
        const { recall } = index.evaluateSync(asked, { k, filter: filters[0] })
        if (expected.every((row) => row.ids.length === 0)) expect(recall).toBe(0)
        else expect(recall).toBeGreaterThan(0)
      }
    }
  })

  it('points that came later, and those that went, are asked by their ids', () => {
    const index = make().fitSync(points).multiProbe(4)
    const ids = index.storeVecsSync(asked)
    index.deleteVec(ids[1]!)
    index.updateVec(7, query)
    const found = (filter: Filter) => Array.from(index.searchSync(query, { k: 2, filter }).at(0).ids)
    expect(found({ allow: ids })[0]).toBe(ids[0])
    expect(found({ allow: [ids[1]!] })).toEqual([])
    expect(found({ allow: [7, ids[0]!] })).toEqual([7, ids[0]!])
    expect(found({ deny: [7] })[0]).toBe(ids[0])
  })

  it('predict counts all candidates and takes no filter', () => {
    const index = make().fitSync(points)
    expect(() => index.predictSync(asked, { filter: { deny: [1] } } as object)).toThrow('filter')
  })

  it('recall is measured against exact search among the same points', () => {
    const index = make().fitSync(points).multiProbe(1000)
    const filter = { allow: Array.from({ length: 300 }, (_, i) => 7 * i) }
    expect(index.evaluateSync(asked, { filter }).recall).toBe(1)
    const few = make().fitSync(points).evaluateSync(asked, { filter }).recall
    expect(few).toBeLessThan(0.99)
  })

  it('a filter is read when the call is made, shared memory included', async () => {
    const index = make().fitSync(points)
    index.storeVecsSync(query)
    for (const ids of [Uint32Array.of(ROWS), new Uint32Array(new SharedArrayBuffer(4)).fill(ROWS)]) {
      const searching = index.search(query, { filter: { allow: ids } })
      ids[0] = 9
      expect(Array.from((await searching).at(0).ids)).toEqual([ROWS])
    }
  })
})
