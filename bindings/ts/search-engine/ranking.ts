import { knn } from '../exact.js'
import { present } from '../options.js'
import type { NumericArray } from '../vectors.js'
import { vectorsFromText, type Model } from './models.js'
import { shareOf } from './query.js'

/** @internal A candidate as the server sent it. */
export interface Candidate {
  id: string
  index: string
  score: number
  /** Stored vectors by the name of the model, as text. */
  vectors: ReadonlyMap<string, string>
}

/** @internal A candidate in its place. */
export interface Ranked {
  candidate: Candidate
  distance: number
}

/** Vectors of documents that are kept elsewhere, by the caller's own means; undefined for an id that is not known. */
export type VectorLookup = (
  ids: readonly string[],
  model: string,
) => Promise<readonly (NumericArray | undefined)[]> | readonly (NumericArray | undefined)[]

/**
 * @internal Exact ranking: nearest first, equal distances by id. Of several models the distances are added up with
 * their shares; a candidate that lacks one of the vectors is left out.
 */
export async function rank(
  candidates: readonly Candidate[],
  query: ReadonlyMap<Model, NumericArray>,
  weights: Readonly<Record<string, number>> | undefined,
  lookup: VectorLookup | undefined,
  signal: AbortSignal | undefined,
): Promise<Ranked[]> {
  // In order of ids, so that the lower row of a tie is the lower id.
  let left = [...candidates].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const totals = new Map<Candidate, number>(left.map((candidate) => [candidate, 0]))
  for (const [model, vector] of query) {
    const [found, vectors] = await vectorsOf(left, model, lookup)
    left = found
    if (left.length === 0) return []
    const near = await knn({ data: vectors, shape: [left.length, model.tokens.dim] }, { data: vector, shape: [1, model.tokens.dim] }, {
      k: left.length,
      metric: model.tokens.metric,
      ...present({ signal }),
    })
    const { ids, distances } = near.at(0)
    if (query.size === 1) return Array.from(ids, (row, i) => ({ candidate: left[row]!, distance: distances[i]! }))
    for (const [i, row] of ids.entries()) {
      const candidate = left[row]!
      totals.set(candidate, totals.get(candidate)! + shareOf(weights, model) * distances[i]!)
    }
  }
  // Stable: candidates are in order of ids.
  return left.map((candidate) => ({ candidate, distance: totals.get(candidate)! })).sort((a, b) => a.distance - b.distance)
}

/** The candidates that have a vector of this model, and these, one after the other. */
async function vectorsOf(
  candidates: readonly Candidate[],
  model: Model,
  lookup: VectorLookup | undefined,
): Promise<[Candidate[], NumericArray]> {
  if (lookup === undefined) {
    const found = candidates.filter(({ vectors }) => vectors.has(model.name))
    return [found, vectorsFromText(model, found.map(({ vectors }) => vectors.get(model.name)!))]
  }
  const given = await lookup(candidates.map(({ id }) => id), model.name)
  const found = candidates.filter((_, i) => given[i] !== undefined)
  const rows = given.filter((vector) => vector !== undefined)
  const values = new Float32Array(rows.length * model.tokens.dim)
  for (const [i, row] of rows.entries()) {
    if (row.length !== model.tokens.dim) {
      throw new RangeError(`rerank: the lookup gave ${row.length} numbers for ${JSON.stringify(found[i]!.id)}; the model has ${model.tokens.dim}`)
    }
    values.set(row, i * model.tokens.dim)
  }
  return [found, values]
}

/** @internal Where candidates stand in several lists, first place 1: the sum of weight / (constant + place). */
export function reciprocalRankFusion(
  lists: readonly { ids: readonly string[]; weight: number }[],
  constant: number,
): { id: string; score: number }[] {
  const scores = new Map<string, number>()
  for (const { ids, weight } of lists) {
    for (const [i, id] of ids.entries()) scores.set(id, (scores.get(id) ?? 0) + weight / (constant + i + 1))
  }
  return Array.from(scores, ([id, score]) => ({ id, score })).sort(
    (a, b) => b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  )
}
