import { argumentError, show } from '../errors.js'
import { checkOptions, flag, present } from '../options.js'
import type { NumericArray } from '../vectors.js'
import { sendBulk } from './bulk.js'
import { checkFields, checkId, ownSources, prepare, type EngineDocument } from './documents.js'
import type { EngineContext } from './engine-context.js'
import { isObject, SearchEngineError } from './engine-error.js'
import { ROOT, vectorsFromText } from './models.js'
import { readClauses, type Clause } from './query.js'

/** Options of the calls that change a document. */
export interface WriteOptions {
  /** Of the document. */
  routing?: string
  /** When searches see the change: at once, after the next refresh has been waited for, or some time; default false. */
  refresh?: boolean | 'wait_for'
  /** Change nothing unless the document is still the one that `get` showed. */
  ifVersion?: DocumentVersion
  signal?: AbortSignal
}

/** Which state of a document is meant. */
export interface DocumentVersion {
  seqNo: number
  primaryTerm: number
}

/** A document as it is kept. */
export interface StoredDocument {
  id: string
  /** By model; absent where vectors are not kept in the source. */
  vectors: Record<string, NumericArray>
  fields: Record<string, unknown>
  version: DocumentVersion
}

/** Options of `deleteByQuery`. */
export interface DeleteByQueryOptions {
  /** Delete the others when a document was changed meanwhile, instead of an error; default false. */
  proceed?: boolean
  refresh?: boolean
  signal?: AbortSignal
}

const WRITE_OPTIONS = ['routing', 'refresh', 'ifVersion', 'signal'] as const

/** @internal One action on one document. Ids travel in the body: some, such as "..", no path can carry. */
async function act(
  context: EngineContext,
  operation: string,
  action: 'index' | 'update' | 'delete',
  id: string,
  source: unknown,
  given: WriteOptions | undefined,
): Promise<boolean> {
  const { routing, refresh, ifVersion, signal } = checkOptions('options', given, WRITE_OPTIONS)
  const when = refresh === 'wait_for' ? refresh : flag('refresh', refresh)
  const { index } = await context.open(signal)
  const head = {
    [action]: {
      _id: checkId('id', id),
      ...(routing === undefined ? {} : { routing: checkId('routing', routing) }),
      ...(ifVersion === undefined ? {} : { if_seq_no: ifVersion.seqNo, if_primary_term: ifVersion.primaryTerm }),
    },
  }
  const lines = `${JSON.stringify(head)}\n${action === 'delete' ? '' : `${JSON.stringify(source)}\n`}`
  const [outcome] = await sendBulk(
    {
      transport: context.transport,
      index: context.name,
      retries: context.retries,
      // A name that stands for nothing would otherwise become an index with a mapping of the server's own.
      query: { refresh: when, ...(index === context.name ? {} : { require_alias: true }) },
    },
    operation,
    [{ id, lines }],
    signal,
  )
  if (action === 'delete' && outcome!.status === 404) return false
  if (outcome!.failure !== undefined) throw outcome!.failure
  return true
}

/** @internal */
export async function store(context: EngineContext, document: EngineDocument, options: WriteOptions | undefined): Promise<void> {
  const prepared = prepare(document, context.models)
  const [own] = await ownSources([prepared], context.models, options?.signal)
  const routing = document.routing ?? options?.routing
  const { id, fields } = document
  const source = { ...fields, [ROOT]: own }
  await act(context, 'store', 'index', id, source, { ...options, ...present({ routing }) })
}

/** @internal */
export async function updateFields(
  context: EngineContext,
  id: string,
  fields: Readonly<Record<string, unknown>>,
  options: WriteOptions | undefined,
): Promise<void> {
  await refuseLean(context, 'updateFields', options?.signal)
  checkFields(fields)
  await act(context, 'updateFields', 'update', id, { doc: fields }, options)
}

/** @internal */
export async function updateVectors(
  context: EngineContext,
  id: string,
  vectors: NumericArray | Readonly<Record<string, NumericArray>>,
  options: WriteOptions | undefined,
): Promise<void> {
  await refuseLean(context, 'updateVector', options?.signal)
  const given = ArrayBuffer.isView(vectors) || Array.isArray(vectors) ? { vector: vectors as NumericArray } : { vectors: vectors as Record<string, NumericArray> }
  const [own] = await ownSources([prepare({ id, ...given }, context.models)], context.models, options?.signal)
  await act(context, 'updateVector', 'update', id, { doc: { [ROOT]: own } }, options)
}

/** Without vectors and words in its source, an updated document would lose them. */
async function refuseLean(context: EngineContext, operation: string, signal: AbortSignal | undefined): Promise<void> {
  const { meta } = await context.open(signal)
  if (meta.storage === 'lean') throw argumentError(operation, 'storage "lean"', 'store with the whole document')
}

/** @internal */
export function remove(context: EngineContext, id: string, options: WriteOptions | undefined): Promise<boolean> {
  return act(context, 'delete', 'delete', id, undefined, options)
}

/** @internal */
export async function deleteByQuery(context: EngineContext, query: Clause, given: DeleteByQueryOptions | undefined): Promise<number> {
  const { proceed, refresh, signal } = checkOptions('options', given, ['proceed', 'refresh', 'signal'])
  const [clause] = readClauses('query', query)
  if (clause === undefined) throw argumentError('query', show(query), 'a query clause')
  await context.open(signal)
  const { body } = await context.ask(
    'deleteByQuery',
    {
      method: 'POST',
      path: `/${context.name}/_delete_by_query`,
      query: { conflicts: flag('proceed', proceed) ? 'proceed' : 'abort', refresh: refresh !== false },
      body: { query: clause },
      ...present({ signal }),
    },
    [409],
  )
  const { deleted, version_conflicts: conflicts, failures } = isObject(body) ? body : {}
  const refused = Array.isArray(failures) ? (failures as unknown[]) : []
  if (refused.length > 0 || (Number(conflicts) > 0 && proceed !== true)) {
    throw new SearchEngineError({
      code: Number(conflicts) > 0 ? 'ERR_NEARHASH_ENGINE_VERSION_CONFLICT' : 'ERR_NEARHASH_ENGINE_REQUEST',
      operation: 'deleteByQuery',
      received: `${Number(conflicts)} documents changed meanwhile, ${refused.length} failures, ${Number(deleted)} deleted`,
      allowed: 'another attempt, or proceed: true',
    })
  }
  return Number(deleted ?? 0)
}

/** @internal */
export async function get(
  context: EngineContext,
  id: string,
  { routing, signal }: { routing?: string; signal?: AbortSignal } = {},
): Promise<StoredDocument | undefined> {
  await context.open(signal)
  const { body } = await context.ask('get', {
    method: 'POST',
    path: `/${context.name}/_mget`,
    body: { docs: [{ _id: checkId('id', id), ...present({ routing }) }] },
    ...present({ signal }),
  })
  const [found] = isObject(body) && Array.isArray(body['docs']) ? (body['docs'] as unknown[]) : []
  if (!isObject(found) || found['found'] !== true) return undefined
  const { [ROOT]: own, ...fields } = isObject(found['_source']) ? found['_source'] : {}
  const vectors: Record<string, NumericArray> = {}
  for (const model of context.models.values()) {
    const stored = isObject(own) ? own[model.name] : undefined
    const text = isObject(stored) ? stored['vector'] : undefined
    if (typeof text === 'string') vectors[model.name] = vectorsFromText(model, [text])
  }
  return { id, vectors, fields, version: { seqNo: Number(found['_seq_no']), primaryTerm: Number(found['_primary_term']) } }
}

