/** What nearhash does, by plain loops in float64 and a Map per table. Slow, and simple enough to be believed. */

import type { LshIndex, Metric } from 'nearhash'

export type Rows = readonly (readonly number[])[]

/** One query's neighbours, nearest first, ties to the lower id. */
export interface Ranked {
  ids: number[]
  distances: number[]
}

export function distance(a: readonly number[], b: readonly number[], metric: Metric): number {
  let [squares, dot, normA, normB] = [0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!]
    squares += (x - y) ** 2
    dot += x * y
    normA += x * x
    normB += y * y
  }
  return metric === 'euclidean' ? Math.sqrt(squares) : 1 - dot / Math.sqrt(normA) / Math.sqrt(normB)
}

export function cdist(a: Rows, b: Rows, metric: Metric): number[][] {
  return a.map((x) => b.map((y) => distance(x, y, metric)))
}

/** The k nearest of some points, by id. */
export function nearest(points: ReadonlyMap<number, readonly number[]>, query: readonly number[], k: number, metric: Metric): Ranked {
  const all = Array.from(points, ([id, point]) => ({ id, distance: distance(point, query, metric) }))
  all.sort((a, b) => a.distance - b.distance || a.id - b.id)
  const kept = all.slice(0, k)
  return { ids: kept.map(({ id }) => id), distances: kept.map(({ distance }) => distance) }
}

export function knn(data: Rows, queries: Rows, k: number, metric: Metric): Ranked[] {
  const points = new Map(data.entries())
  return queries.map((query) => nearest(points, query, k, metric))
}

/** The key of every row in every table, as text: what `hash` says, written as `buckets` writes it. */
export function keysOf(index: LshIndex, rows: Rows): string[][] {
  const { data, shape } = index.hash(rows)
  const [, tables, projections] = shape
  const separator = index.metric === 'cosine' ? '' : ','
  return rows.map((_, row) =>
    Array.from({ length: tables }, (_, table) => {
      const start = (row * tables + table) * projections
      return Array.from(data.subarray(start, start + projections)).join(separator)
    }),
  )
}

/** Hash tables as a beginner writes them: a Map from key to ids per table. */
export class NaiveTables {
  readonly #tables: Map<string, number[]>[]
  readonly #index: LshIndex

  constructor(index: LshIndex, points: ReadonlyMap<number, readonly number[]>) {
    this.#index = index
    this.#tables = []
    const ids = [...points.keys()].sort((a, b) => a - b)
    const keys = keysOf(index, ids.map((id) => points.get(id)!))
    for (const [i, id] of ids.entries()) {
      for (const [table, key] of keys[i]!.entries()) {
        const buckets = (this.#tables[table] ??= new Map())
        buckets.set(key, [...(buckets.get(key) ?? []), id])
      }
    }
  }

  /** One table. */
  buckets(table: number): Map<string, number[]> {
    return this.#tables[table] ?? new Map()
  }

  /** Ids that share a bucket with the vector in any table, ascending. */
  candidates(vector: readonly number[]): number[] {
    const [keys] = keysOf(this.#index, [vector])
    const found = new Set(keys!.flatMap((key, table) => this.buckets(table).get(key) ?? []))
    return [...found].sort((a, b) => a - b)
  }

  /** The ids in every bucket of every table. */
  all(): number[][] {
    return this.#tables.flatMap((buckets) => [...buckets.values()])
  }
}
