import { inspect, type InspectOptions } from 'node:util'
import { present } from '../options.js'

/** @internal */
export interface EngineNeighborsParts {
  ids: string[]
  distances: Float32Array
  scores: Float32Array
  documents: readonly (Readonly<Record<string, unknown>> | undefined)[] | undefined
  candidates: number
  tookMs: number
  partial: boolean
}

/**
 * What a search found, nearest first: the shape of a row of the local index's results, with text for ids.
 *
 * @example
 * const { ids, distances } = await photos.search({ vector, k: 2 })
 */
export class EngineNeighbors {
  /** Ids of the documents, nearest first. */
  readonly ids: readonly string[]
  /** Their exact distances, ascending; equal distances are ordered by id. NaN without exact ranking. */
  readonly distances: Float32Array
  /** The server's score of each; with `hybrid` the blended score, which decides the order. */
  readonly scores: Float32Array
  /** The documents' own fields, where they were asked for; undefined for one that was deleted meanwhile. */
  readonly documents: readonly (Readonly<Record<string, unknown>> | undefined)[] | undefined
  /** Candidates that the server sent. */
  readonly candidates: number
  /** Milliseconds that the server says it took. */
  readonly tookMs: number
  /** Whether shards were lost or time ran out; only where the search allowed it. */
  readonly partial: boolean

  /** @internal */
  constructor({ ids, distances, scores, documents, candidates, tookMs, partial }: EngineNeighborsParts) {
    this.ids = ids
    this.distances = distances
    this.scores = scores
    this.documents = documents
    this.candidates = candidates
    this.tookMs = tookMs
    this.partial = partial
  }

  /** How many were found. */
  get length(): number {
    return this.ids.length
  }

  /** Plain arrays for JSON. */
  toJSON(): { ids: string[]; distances: number[]; scores: number[]; candidates: number; tookMs: number; partial: boolean } {
    const { ids, distances, scores, candidates, tookMs, partial } = this
    return { ids: [...ids], distances: Array.from(distances), scores: Array.from(scores), candidates, tookMs, partial }
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { ids, distances, scores, documents } = this
    const shown = {
      ids,
      distances: Array.from(distances),
      scores: Array.from(scores),
      ...present({ documents }),
    }
    return `EngineNeighbors ${inspect(shown, { ...options, maxArrayLength: 10 })}`
  }
}

/** One word that a query and a document share. */
export interface SharedWord {
  model: string
  word: string
  /** What it adds to the score. */
  weight: number
}

/** Why a document was found. */
export interface Explanation {
  id: string
  /** The shared words, heaviest first. */
  words: SharedWord[]
  /** Sum of their weights, as the engine computes it. */
  score: number
  /** The score that the server gives the document; undefined when it is not found by these words. */
  serverScore: number | undefined
  /** Exact distance of the vectors. */
  distance: number
}
