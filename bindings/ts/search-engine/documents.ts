import { argumentError, show } from '../errors.js'
import { present } from '../options.js'
import type { NumericArray } from '../vectors.js'
import { isObject } from './engine-error.js'
import { readVectorsByModel, ROOT, vectorToText, type Model } from './models.js'

/** A document to keep. */
export interface EngineDocument {
  /** 1 to 512 bytes; any text. */
  id: string
  /** Of the only model. */
  vector?: NumericArray
  /** By model; a document may leave models out. */
  vectors?: Readonly<Record<string, NumericArray>>
  /** Its own fields, as JSON. The name `nearhash` is taken. */
  fields?: Readonly<Record<string, unknown>>
  /** Which shard it goes to, where that is not told by its id. */
  routing?: string
}

/** @internal Longest id that servers take. */
export const MAX_ID_BYTES = 512

/** @internal A document's own part, checked and written, and the words still to come. */
export interface PreparedDocument {
  document: EngineDocument
  vectors: Map<Model, NumericArray>
}

/** @internal An id that a server will take as it is. */
export function checkId(argument: string, id: unknown): string {
  const allowed = `text of 1 to ${MAX_ID_BYTES} bytes`
  if (typeof id !== 'string') throw argumentError(argument, show(id), allowed)
  const bytes = Buffer.byteLength(id)
  if (bytes < 1 || bytes > MAX_ID_BYTES) throw argumentError(argument, `text of ${bytes} bytes`, allowed)
  // Half of a surrogate pair cannot be sent, and would come back as another id.
  if (/\p{Surrogate}/u.test(id)) throw argumentError(argument, 'text with half of a surrogate pair', 'text that is Unicode')
  return id
}

/** @internal */
export function prepare(document: EngineDocument, models: ReadonlyMap<string, Model>): PreparedDocument {
  if (!isObject(document)) throw argumentError('document', show(document), 'an object { id, vector }')
  checkId('id', document.id)
  checkFields(document.fields)
  if (document.routing !== undefined) checkId('routing', document.routing)
  const vectors = readVectorsByModel(models, document.vector, document.vectors)
  if (vectors.size === 0) throw argumentError('vector', 'no vector', 'a vector of at least one model')
  return { document, vectors }
}

/** @internal */
export function checkFields(fields: unknown): void {
  if (fields !== undefined && (!isObject(fields) || ROOT in fields)) {
    throw argumentError('fields', isObject(fields) ? `"${ROOT}"` : show(fields), `an object without "${ROOT}"`)
  }
}

/** @internal nearhash's part of the source of each document. */
export async function ownSources(
  prepared: readonly PreparedDocument[],
  models: ReadonlyMap<string, Model>,
  signal: AbortSignal | undefined,
): Promise<Record<string, unknown>[]> {
  const sources: Record<string, unknown>[] = prepared.map(({ document }) => ({ id: document.id }))
  for (const model of models.values()) {
    const rows = prepared.flatMap(({ vectors }, i) => (vectors.has(model) ? [i] : []))
    if (rows.length === 0) continue
    const vectors = rows.map((i) => prepared[i]!.vectors.get(model)!)
    const words = await model.tokens.encode(vectors, present({ signal }))
    for (const [n, i] of rows.entries()) {
      sources[i]![model.name] = { words: words[n]!, vector: vectorToText(model, vectors[n]!) }
    }
  }
  return sources
}

/** @internal One document as two lines of a bulk request. */
export function bulkLines(operation: 'index' | 'create', { id, routing, fields }: EngineDocument, own: Record<string, unknown>): string {
  const action = { [operation]: { _id: id, ...present({ routing }) } }
  return `${JSON.stringify(action)}\n${JSON.stringify({ ...fields, [ROOT]: own })}\n`
}
