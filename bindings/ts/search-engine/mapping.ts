import { argumentError, show } from '../errors.js'
import { isObject, SearchEngineError } from './engine-error.js'
import { ROOT, type Model, type VectorType } from './models.js'

/** Where vectors and words are kept. */
export type Storage = 'full' | 'lean'

/** How an index is made. */
export interface IndexOptions {
  /** Shards; default 1. */
  shards?: number
  /** Copies of every shard; default 1. */
  replicas?: number
  /** More settings of the index, as the server takes them under `index`. */
  settings?: Readonly<Record<string, unknown>>
  /** The mapping of the documents' own fields, as the server takes it: `properties`, `dynamic` and so on. */
  mappings?: Readonly<Record<string, unknown>>
}

/** What an index says of itself, in `_meta`. */
export interface IndexMeta {
  /** Version of this layout. */
  format: number
  storage: Storage
  models: Record<string, { modelHash: string; kind: string; dim: number; metric: string; vectorType: VectorType; parameters: unknown }>
  /** Settings that ingestion in load mode has set aside and will put back. */
  setAside?: { refresh_interval: string | null; number_of_replicas: string | null }
}

const FORMAT = 1

/**
 * `similarity: boolean` makes a match worth its boost, on any shard; a document's frequencies, norms and doc values
 * would say nothing.
 */
const WORDS = {
  type: 'keyword',
  similarity: 'boolean',
  doc_values: false,
  norms: false,
  index_options: 'docs',
  ignore_above: 64,
}

/** Read through doc values, where it costs a third of what `_source` does. */
const VECTOR = { type: 'binary', doc_values: true }

const ID = { type: 'keyword', index: false, doc_values: true }

/** @internal Body of a request that makes an index. */
export function indexBody(models: ReadonlyMap<string, Model>, storage: Storage, options: IndexOptions): Record<string, unknown> {
  const { shards, replicas, settings = {}, mappings = {} } = options
  if (!isObject(settings)) throw argumentError('settings', show(settings), 'an object')
  if (!isObject(mappings)) throw argumentError('mappings', show(mappings), 'an object')
  const { properties = {}, _meta = {}, _source = {}, ...rest } = mappings
  for (const [name, part] of Object.entries({ properties, _meta })) {
    if (!isObject(part) || ROOT in part) {
      throw argumentError(`mappings.${name}`, isObject(part) ? `"${ROOT}"` : show(part), `an object without "${ROOT}"`)
    }
  }
  const { excludes = [], ...source } = _source as { excludes?: unknown }
  return {
    settings: { index: { number_of_shards: shards ?? 1, number_of_replicas: replicas ?? 1, ...settings } },
    mappings: {
      ...rest,
      ...(storage === 'lean'
        ? { _source: { ...source, excludes: [excludes, ROOT].flat() } }
        : Object.keys(_source as object).length > 0
          ? { _source }
          : {}),
      _meta: { ...(_meta as object), [ROOT]: metaOf(models, storage) },
      properties: { ...(properties as object), [ROOT]: fieldsOf(models) },
    },
  }
}

function fieldsOf(models: ReadonlyMap<string, Model>): object {
  const ofModels = [...models.keys()].map((name) => [name, { dynamic: 'strict', properties: { words: WORDS, vector: VECTOR } }])
  return { dynamic: 'strict', properties: { id: ID, ...Object.fromEntries(ofModels) } }
}

function metaOf(models: ReadonlyMap<string, Model>, storage: Storage): IndexMeta {
  const entries = [...models.values()].map(({ name, tokens, vectorType }) => {
    const { modelHash, kind, dim, metric } = tokens
    return [name, { modelHash, kind, dim, metric, vectorType, parameters: tokens.describe() }]
  })
  return { format: FORMAT, storage, models: Object.fromEntries(entries) as IndexMeta['models'] }
}

/** @internal nearhash's own part of `_meta`; undefined when the index is not nearhash's. */
export function readMeta(mappings: unknown): IndexMeta | undefined {
  const meta = isObject(mappings) && isObject(mappings['_meta']) ? mappings['_meta'][ROOT] : undefined
  return isObject(meta) && isObject(meta['models']) ? (meta as unknown as IndexMeta) : undefined
}

/**
 * @internal Refuse an index that was not made for these models.
 *
 * @throws SearchEngineError ERR_NEARHASH_ENGINE_MODEL_MISMATCH, ERR_NEARHASH_ENGINE_MAPPING
 */
export function checkMapping(index: string, mappings: unknown, models: ReadonlyMap<string, Model>): IndexMeta {
  const meta = readMeta(mappings)
  const operation = `mapping of ${index}`
  if (meta === undefined) throw mappingError(operation, `no _meta.${ROOT}`, 'an index that nearhash has made')
  if (meta.format !== FORMAT) throw mappingError(operation, `format ${String(meta.format)}`, `format ${FORMAT}`)
  for (const { name, tokens, vectorType } of models.values()) {
    const of = meta.models[name]
    if (of?.modelHash !== tokens.modelHash) {
      throw new SearchEngineError({
        code: 'ERR_NEARHASH_ENGINE_MODEL_MISMATCH',
        operation: `model ${JSON.stringify(name)} of ${index}`,
        received: of === undefined ? `models ${Object.keys(meta.models).join(', ')}` : `documents of model ${of.modelHash.slice(0, 8)}`,
        allowed: `documents of model ${tokens.modelHash.slice(0, 8)}`,
      })
    }
    if (of.vectorType !== vectorType) throw mappingError(operation, `vectors as ${of.vectorType}`, `vectors as ${vectorType}`)
    // Servers leave out what is their default, so what matters is asked for, not the text.
    const { words, vector, id } = ownFields(mappings, name)
    if (words?.['type'] !== 'keyword' || words['similarity'] !== 'boolean' || words['index'] === false) {
      throw mappingError(operation, `${name}.words as ${JSON.stringify(words)}`, `${JSON.stringify(WORDS)}`)
    }
    if (vector?.['type'] !== 'binary' || vector['doc_values'] !== true) {
      throw mappingError(operation, `${name}.vector as ${JSON.stringify(vector)}`, `${JSON.stringify(VECTOR)}`)
    }
    if (id?.['type'] !== 'keyword') throw mappingError(operation, `id as ${JSON.stringify(id)}`, `${JSON.stringify(ID)}`)
  }
  return meta
}

type Field = Record<string, unknown> | undefined

function ownFields(mappings: unknown, name: string): { words: Field; vector: Field; id: Field } {
  const step = (from: unknown, ...path: string[]): Field => {
    let at = from
    for (const key of path) at = isObject(at) ? at[key] : undefined
    return isObject(at) ? at : undefined
  }
  const own = step(mappings, 'properties', ROOT, 'properties')
  return {
    words: step(own, name, 'properties', 'words'),
    vector: step(own, name, 'properties', 'vector'),
    id: step(own, 'id'),
  }
}

function mappingError(operation: string, received: string, allowed: string): SearchEngineError {
  return new SearchEngineError({ code: 'ERR_NEARHASH_ENGINE_MAPPING', operation, received, allowed })
}
