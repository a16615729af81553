import type { Filter } from 'nearhash'

/** A filter in all ways in which it can be written. */
export interface WrittenFilters {
  allowed: number[]
  /** Two lists, two typed lists, two sets of bits: first what is allowed, from the fourth on what is denied. */
  filters: [Filter, Filter, Filter, Filter, Filter, Filter]
}

/** Of ids 0 to count - 1. */
export function filtersOf(count: number, admits: (id: number) => boolean): WrittenFilters {
  const ids = Array.from({ length: count }, (_, id) => id)
  const [allowed, denied] = [ids.filter(admits), ids.filter((id) => !admits(id))]
  return {
    allowed,
    filters: [
      { allow: allowed },
      { allow: Uint32Array.from(allowed) },
      { allow: bits(allowed) },
      { deny: denied },
      { deny: Uint32Array.from(denied) },
      { deny: bits(denied) },
    ],
  }
}

/** No longer than it takes. */
function bits(ids: readonly number[]): Uint8Array {
  const most = ids.reduce((most, id) => Math.max(most, id), -1)
  const set = new Uint8Array(Math.ceil((most + 1) / 8))
  for (const id of ids) set[id >> 3]! |= 1 << (id % 8)
  return set
}
