import { isObject } from './engine-error.js'

/** The hits in the answer to a search; none where there are none. */
export function hitsOf(body: unknown): unknown[] {
  const hits = isObject(body) && isObject(body['hits']) ? body['hits']['hits'] : undefined
  return Array.isArray(hits) ? (hits as unknown[]) : []
}

/** The first value of a field, among the `fields` of a hit, where it is text. */
export function firstText(fields: Record<string, unknown>, field: string): string | undefined {
  const values = fields[field]
  return Array.isArray(values) && typeof values[0] === 'string' ? values[0] : undefined
}
