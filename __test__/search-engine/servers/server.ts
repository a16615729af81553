import { connect, SearchEngineIndex, type EngineNeighbors, type EngineTransport, type SearchEngineIndexOptions } from 'nearhash/search-engine'
import { ClusterTokens, type VectorTokens } from 'nearhash'
import { photoHistograms } from '../../support/photos.js'

/** Where the server is that this run tests. */
export const url = process.env['NEARHASH_ENGINE_URL'] ?? 'http://127.0.0.1:9211'

/** Which one it is. */
export const flavour = process.env['NEARHASH_ENGINE'] ?? 'opensearch'

/** And which release of it. */
export const version = process.env['NEARHASH_ENGINE_VERSION'] ?? '2.19.1'

export const transport: EngineTransport = connect({ nodes: url })

/** Vector length of the photo histograms. */
export const DIM = 64

/** The first so many photo histograms, and later ones as queries. */
export function photos(count: number, queries = 20): { rows: number[][]; queries: number[][] } {
  const { data } = photoHistograms()
  const row = (i: number): number[] => Array.from(data.subarray(i * DIM, (i + 1) * DIM))
  return {
    rows: Array.from({ length: count }, (_, i) => row(i)),
    queries: Array.from({ length: queries }, (_, i) => row(31_000 + i)),
  }
}

/** A model of the photo histograms, the same one in every run. */
export function photoModel(rows: number[][], options: Parameters<typeof ClusterTokens.trainSync>[1] = {}): ClusterTokens {
  return ClusterTokens.trainSync(rows, { groups: 16, clusters: 64, rotation: 'random', seed: 3, iterations: 10, ...options })
}

let names = 0

/** A name that no other test of this or an earlier run has. */
export function freshName(): string {
  return `test-${process.pid}-${Date.now().toString(36)}-${++names}`
}

/** An index of its own, removed by {@link cleanUp}. */
export function freshIndex(options: Omit<SearchEngineIndexOptions, 'transport' | 'name'> & { name?: string }): SearchEngineIndex {
  const name = options.name ?? freshName()
  if (!made.includes(name)) made.push(name)
  return new SearchEngineIndex({ transport, ...options, name })
}

const made: string[] = []

/** Delete every index that this file has made. */
export async function cleanUp(): Promise<void> {
  for (const name of made.splice(0)) await request('DELETE', `/${name}-*`, undefined, { expand_wildcards: 'all' })
}

/** A request of the tests' own. */
export async function request(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  query: Record<string, string | boolean> = {},
): Promise<{ status: number; body: any }> {
  const { status, body: answer } = await transport.request({ method, path, query, ...(body === undefined ? {} : { body }) })
  return { status, body: answer }
}

/** Hits of a search as the server gives them: ids and scores. */
export async function rawSearch(
  name: string,
  body: Record<string, unknown>,
  query: Record<string, string | boolean> = {},
): Promise<{ id: string; score: number }[]> {
  const answer = await request('POST', `/${name}/_search`, body, query)
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
  return answer.body.hits.hits.map((hit: any) => ({ id: hit.fields?.['nearhash.id']?.[0] ?? hit._id, score: hit._score }))
}

/** Documents of rows, with ids `p0`, `p1` and so on. */
export function* documentsOf(rows: readonly number[][], fields: (i: number) => Record<string, unknown> = () => ({})) {
  for (const [i, vector] of rows.entries()) yield { id: `p${i}`, vector, fields: fields(i) }
}

/** The rows behind results. */
export function rowsOf({ ids }: EngineNeighbors): number[] {
  return ids.map((id) => Number(id.slice(1)))
}

export type { VectorTokens }
