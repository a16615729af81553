import { NearhashError } from '../errors.js'

/** Names for programs of what a search engine may refuse, see {@link SearchEngineError}. */
export type SearchEngineErrorCode =
  | 'ERR_NEARHASH_ENGINE_CIRCUIT_BROKEN'
  | 'ERR_NEARHASH_ENGINE_CONNECTION'
  | 'ERR_NEARHASH_ENGINE_DOCUMENT_MISSING'
  | 'ERR_NEARHASH_ENGINE_INDEX_MISSING'
  | 'ERR_NEARHASH_ENGINE_MAPPING'
  | 'ERR_NEARHASH_ENGINE_MODEL_MISMATCH'
  | 'ERR_NEARHASH_ENGINE_PARTIAL_RESULT'
  | 'ERR_NEARHASH_ENGINE_PAYLOAD_TOO_LARGE'
  | 'ERR_NEARHASH_ENGINE_REJECTED'
  | 'ERR_NEARHASH_ENGINE_REQUEST'
  | 'ERR_NEARHASH_ENGINE_TOO_MANY_CLAUSES'
  | 'ERR_NEARHASH_ENGINE_UNAUTHORIZED'
  | 'ERR_NEARHASH_ENGINE_UNAVAILABLE'
  | 'ERR_NEARHASH_ENGINE_VERSION_CONFLICT'

/** @internal */
export interface SearchEngineErrorParts {
  code: SearchEngineErrorCode
  /** What was being done. */
  operation: string
  received: string
  allowed: string
  status?: number | undefined
  serverType?: string | undefined
}

/**
 * What a search engine refused, or what was refused before asking it. `received` is the server's own reason, `status`
 * the HTTP status and `serverType` its name for the error. Credentials are in none of them.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ERR_NEARHASH_ENGINE_CIRCUIT_BROKEN` | the server is short of memory |
 * | `ERR_NEARHASH_ENGINE_CONNECTION` | no node answered |
 * | `ERR_NEARHASH_ENGINE_DOCUMENT_MISSING` | no document has this id |
 * | `ERR_NEARHASH_ENGINE_INDEX_MISSING` | there is no such index or alias |
 * | `ERR_NEARHASH_ENGINE_MAPPING` | the index has other fields than nearhash needs, or a document does not fit them |
 * | `ERR_NEARHASH_ENGINE_MODEL_MISMATCH` | the index was filled with another model |
 * | `ERR_NEARHASH_ENGINE_PARTIAL_RESULT` | shards were lost or time ran out |
 * | `ERR_NEARHASH_ENGINE_PAYLOAD_TOO_LARGE` | the request is longer than the server takes |
 * | `ERR_NEARHASH_ENGINE_REJECTED` | the server is overloaded, after every retry |
 * | `ERR_NEARHASH_ENGINE_REQUEST` | anything else that the server refused |
 * | `ERR_NEARHASH_ENGINE_TOO_MANY_CLAUSES` | a query with more clauses than the server takes |
 * | `ERR_NEARHASH_ENGINE_UNAUTHORIZED` | credentials are missing, wrong, or do not allow this |
 * | `ERR_NEARHASH_ENGINE_UNAVAILABLE` | the server or what is before it cannot answer, after every retry |
 * | `ERR_NEARHASH_ENGINE_VERSION_CONFLICT` | the document was changed by someone else, or is there already |
 */
export class SearchEngineError extends NearhashError {
  declare readonly code: SearchEngineErrorCode
  /** HTTP status of the answer; undefined when there was none. */
  readonly status: number | undefined
  /** The server's name for the error, for instance `'index_not_found_exception'`. */
  readonly serverType: string | undefined

  /** @internal */
  constructor({ code, operation, received, allowed, status, serverType }: SearchEngineErrorParts) {
    super({ code, argument: operation, received, allowed })
    this.status = status
    this.serverType = serverType
  }
}

/** Part of an error as both servers write it. */
interface ServerError {
  type?: unknown
  reason?: unknown
  caused_by?: unknown
  root_cause?: unknown
  failed_shards?: unknown
}

/** Longest part of a server's reason that is kept: it may repeat the request. */
const REASON_LENGTH = 1000

/** Names that servers have for one thing, in the order in which they decide. */
const BY_TYPE: readonly [pattern: RegExp, code: SearchEngineErrorCode, allowed: string][] = [
  [/^too_many_(nested_)?clauses/, 'ERR_NEARHASH_ENGINE_TOO_MANY_CLAUSES', 'fewer probes, or a higher limit on the server'],
  [/^circuit_breaking/, 'ERR_NEARHASH_ENGINE_CIRCUIT_BROKEN', 'smaller requests, fewer at a time, or more heap'],
  [/^(index_not_found|aliases?_not_found)/, 'ERR_NEARHASH_ENGINE_INDEX_MISSING', 'an existing index or alias'],
  [/^(version_conflict|resource_already_exists)/, 'ERR_NEARHASH_ENGINE_VERSION_CONFLICT', 'the version that is there'],
  [/^(document_missing)/, 'ERR_NEARHASH_ENGINE_DOCUMENT_MISSING', 'the id of a document'],
  [/^(mapper_parsing|strict_dynamic_mapping|document_parsing|mapping_)/, 'ERR_NEARHASH_ENGINE_MAPPING', 'what the mapping allows'],
  [/^(es_)?rejected_execution|^opensearch_rejected_execution/, 'ERR_NEARHASH_ENGINE_REJECTED', 'fewer requests at a time'],
  [/^security_exception/, 'ERR_NEARHASH_ENGINE_UNAUTHORIZED', 'credentials that allow this'],
  [/^no_shard_available/, 'ERR_NEARHASH_ENGINE_PARTIAL_RESULT', 'every shard at hand, or partial: true'],
]

/** What remains is told by the status. */
const BY_STATUS: Readonly<Record<number, readonly [code: SearchEngineErrorCode, allowed: string]>> = {
  401: ['ERR_NEARHASH_ENGINE_UNAUTHORIZED', 'credentials that the server knows'],
  403: ['ERR_NEARHASH_ENGINE_UNAUTHORIZED', 'credentials that allow this'],
  409: ['ERR_NEARHASH_ENGINE_VERSION_CONFLICT', 'the version that is there'],
  413: ['ERR_NEARHASH_ENGINE_PAYLOAD_TOO_LARGE', 'smaller batches or documents'],
  429: ['ERR_NEARHASH_ENGINE_REJECTED', 'fewer requests at a time'],
  502: ['ERR_NEARHASH_ENGINE_UNAVAILABLE', 'a server that answers'],
  503: ['ERR_NEARHASH_ENGINE_UNAVAILABLE', 'a server that answers'],
  504: ['ERR_NEARHASH_ENGINE_UNAVAILABLE', 'a server that answers'],
}

/**
 * @internal The error that an answer stands for.
 *
 * @param operation What was being done, for the message.
 * @param body The answer's `error`, or the whole answer.
 */
export function fromServer(operation: string, status: number, body: unknown): SearchEngineError {
  const error = (isObject(body) && 'error' in body ? body['error'] : body) as unknown
  const causes = isObject(error) ? [...causesOf(error)] : []
  for (const [pattern, code, allowed] of BY_TYPE) {
    const found = causes.find(({ type }) => typeof type === 'string' && pattern.test(type))
    if (found !== undefined) return build(code, allowed, operation, status, found)
  }
  const first = causes[0] ?? { reason: typeof error === 'string' ? error : undefined }
  const failedSearch = causes.some(({ type }) => type === 'search_phase_execution_exception')
  if (failedSearch && /partial shards failure|shards? (are|is) unavailable|all shards failed/i.test(String(first.reason))) {
    const cause = causes.find(({ type }) => type !== 'search_phase_execution_exception')
    // Shards that could not be asked; a query that every shard refuses has a cause with its own status.
    if (status >= 500) {
      const reason = cause?.reason === undefined ? first.reason : `${String(first.reason)}: ${String(cause.reason)}`
      const parts = { type: first.type, reason }
      return build('ERR_NEARHASH_ENGINE_PARTIAL_RESULT', 'every shard at hand, or partial: true', operation, status, parts)
    }
  }
  const [code, allowed] = BY_STATUS[status] ?? ['ERR_NEARHASH_ENGINE_REQUEST', 'a request that the server accepts']
  // The innermost cause says what was wrong, the outermost only that something was.
  return build(code, allowed, operation, status, causes.at(-1) ?? first)
}

function build(
  code: SearchEngineErrorCode,
  allowed: string,
  operation: string,
  status: number,
  { type, reason }: ServerError,
): SearchEngineError {
  const serverType = typeof type === 'string' ? type : undefined
  const words = [String(status), serverType, typeof reason === 'string' ? reason.slice(0, REASON_LENGTH) : undefined]
  const received = words.filter((word) => word !== undefined && word !== '').join(' ')
  return new SearchEngineError({ code, operation, received, allowed, status, serverType })
}

/** An error and everything inside it, outermost first. */
function* causesOf(error: object, depth = 0): Generator<ServerError> {
  const { type, reason, caused_by, root_cause, failed_shards } = error as ServerError
  yield { type, reason }
  if (depth > 10) return
  for (const inner of [root_cause, failed_shards].flat()) {
    // A failed shard has its error as its reason.
    const cause = isObject(inner) && isObject(inner['reason']) ? inner['reason'] : inner
    if (isObject(cause)) yield* causesOf(cause, depth + 1)
  }
  if (isObject(caused_by)) yield* causesOf(caused_by, depth + 1)
}

/** @internal */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
