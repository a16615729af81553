import { argumentError, show } from '../errors.js'
import { checkOptions, flag, integer, oneOf, optionalSignal } from '../options.js'
import type { NumericArray } from '../vectors.js'
import type { EngineDocument } from './documents.js'
import { EngineContext } from './engine-context.js'
import { isObject } from './engine-error.js'
import { explain, type ExplainOptions } from './explaining.js'
import { ingest, INGEST_OPTIONS, type IngestOptions, type IngestProgress } from './ingest.js'
import { inLoadMode } from './load-mode.js'
import { indexBody, type IndexOptions, type Storage } from './mapping.js'
import { readModels, shortHash, type EngineModel } from './models.js'
import type { Clause } from './query.js'
import { documentsOf, likeIndex } from './reencoding.js'
import { readRetries, type RetryOptions } from './retries.js'
import type { EngineNeighbors, Explanation } from './results.js'
import { plan, search, type EngineSearchOptions } from './searching.js'
import { recognise, type EngineServer } from './server.js'
import type { EngineTransport } from './transport.js'
import type { VectorTokens } from '../tokens.js'
import { checkIndexName, type IndexVersion } from './versions.js'
import {
  deleteByQuery,
  get,
  remove,
  store,
  updateFields,
  updateVectors,
  type DeleteByQueryOptions,
  type StoredDocument,
  type WriteOptions,
} from './writing.js'

/** Options of {@link SearchEngineIndex}. */
export interface SearchEngineIndexOptions {
  /** The way to the server: of `connect` or `fromClient`, or one of your own. */
  transport: EngineTransport
  /** The name that searches use: an alias of the current version. */
  name: string
  /** The only model. */
  model?: VectorTokens | EngineModel
  /** Several models by name, for instance of a picture and of its caption. */
  models?: Readonly<Record<string, VectorTokens | EngineModel>>
  /**
   * `'full'` (default) keeps vectors and words in the source of the documents too. `'lean'` does not, which takes less
   * disk; such documents can be stored, deleted and re-encoded, but not updated in part, and not by other programs.
   */
  storage?: Storage
  /** Most clauses of a query; default 1,024, what OpenSearch takes when it was not told otherwise. */
  maxClauses?: number
  /** Of single requests; default 3 attempts more, pauses of 100 ms to 2 s. */
  retries?: RetryOptions
  /** What the server is, where it may not be asked. */
  server?: EngineServer
}

/** Options of `create`. */
export interface CreateOptions extends IndexOptions {
  /** Let the name stand for it at once; default: only when it stands for nothing yet. */
  makeCurrent?: boolean
}

/** Options of `reencode`. */
export interface ReencodeOptions extends Omit<IngestOptions, 'index' | 'resumeFrom'> {
  /** How the new version is made; default: as the current one. */
  create?: IndexOptions
  /** Let the name stand for the new version when it is complete; default true. */
  makeCurrent?: boolean
}

const INDEX_OPTIONS = ['transport', 'name', 'model', 'models', 'storage', 'maxClauses', 'retries', 'server'] as const
const CREATE_OPTIONS = ['shards', 'replicas', 'settings', 'mappings'] as const

/** Fewer than in ingestion: somebody is waiting. */
const RETRIES = { attempts: 3, firstPause: 100, longestPause: 2000 }
const INGEST_RETRIES = { attempts: 8, firstPause: 200, longestPause: 20_000 }

/**
 * Vectors beside their text in OpenSearch or Elasticsearch: kept as words that the server's own posting lists find,
 * ranked by exact distance here.
 *
 * @example
 * const photos = new SearchEngineIndex({ transport: connect({ nodes: 'http://localhost:9200' }), name: 'photos', model })
 * await photos.create({ shards: 3, mappings: { properties: { caption: { type: 'text' } } } })
 * await photos.bulkIngest(documents)
 * const { ids, distances } = await photos.search({ vector, k: 10, filter: { match: { caption: 'dog' } } })
 */
export class SearchEngineIndex {
  readonly #context: EngineContext
  #server: EngineServer | undefined

  /** @throws NearhashError ERR_NEARHASH_ARGUMENT. Asks the server nothing. */
  constructor(options: SearchEngineIndexOptions) {
    const checked = checkOptions('options', options, INDEX_OPTIONS)
    if (typeof checked.transport?.request !== 'function') {
      throw argumentError('transport', show(checked.transport), 'what connect or fromClient returns')
    }
    this.#context = new EngineContext({
      transport: checked.transport,
      name: checkIndexName('name', checked.name),
      models: readModels(checked.model, checked.models),
      storage: oneOf('storage', checked.storage, ['full', 'lean'] as const, 'full'),
      maxClauses: checked.maxClauses === undefined ? 1024 : integer('maxClauses', checked.maxClauses, 1, 1_000_000),
      retries: readRetries(checked.retries, RETRIES),
    })
    this.#server = checked.server
  }

  /** The name that searches use. */
  get name(): string {
    return this.#context.name
  }

  /**
   * Which server answers.
   *
   * @throws SearchEngineError ERR_NEARHASH_ENGINE_REQUEST for one that is neither OpenSearch 2 or 3 nor Elasticsearch 8
   * or 9.
   */
  async server(): Promise<EngineServer> {
    this.#server ??= await recognise(this.#context.transport, this.#context.retries)
    return this.#server
  }

  /**
   * Make the next version: a physical index for these models, named `<name>-<models>-<number>`.
   *
   * @returns Its name.
   */
  async create(options?: CreateOptions): Promise<string> {
    const { makeCurrent, ...rest } = checkOptions('options', options, [...CREATE_OPTIONS, 'makeCurrent'])
    await this.server()
    const { versions, models, storage } = this.#context
    const first = (await versions.current()) === this.name && (await versions.list()).every(({ current }) => !current)
    const index = await versions.next(shortHash(models))
    const now = makeCurrent === undefined ? first : flag('makeCurrent', makeCurrent)
    await this.#context.ask(`create ${index}`, {
      method: 'PUT',
      path: `/${index}`,
      body: { ...indexBody(models, storage, rest), ...(now && first ? { aliases: { [this.name]: {} } } : {}) },
    })
    if (now && !first) await versions.makeCurrent(index)
    if (now) this.#context.forget()
    return index
  }

  /** Keep settings and mapping on the server as an index template, for versions that other programs make. */
  async putTemplate(options?: IndexOptions): Promise<void> {
    const { models, storage } = this.#context
    const template = indexBody(models, storage, checkOptions('options', options, CREATE_OPTIONS))
    await this.#context.ask('put template', {
      method: 'PUT',
      path: `/_index_template/nearhash-${this.name}`,
      body: { index_patterns: [`${this.name}-${shortHash(models)}-*`], priority: 200, template },
    })
  }

  /** All versions, oldest first. */
  versions(): Promise<IndexVersion[]> {
    return this.#context.versions.list()
  }

  /** Let the name stand for this version, in one step. It may have been made for other models than this object's. */
  async makeCurrent(index: string): Promise<void> {
    await this.#context.versions.makeCurrent(index)
    this.#context.forget()
  }

  /**
   * Let the name stand for the version before the current one.
   *
   * @returns The name of that version.
   */
  async rollBack(): Promise<string> {
    const index = await this.#context.versions.rollBack()
    this.#context.forget()
    return index
  }

  /** Delete a version that is not current, with its documents. */
  removeVersion(index: string): Promise<void> {
    return this.#context.versions.remove(checkIndexName('index', index))
  }

  /**
   * Check that the current version was made for these models; every other call does so by itself.
   *
   * @returns The name of the physical index.
   * @throws SearchEngineError ERR_NEARHASH_ENGINE_MODEL_MISMATCH, ERR_NEARHASH_ENGINE_MAPPING,
   * ERR_NEARHASH_ENGINE_INDEX_MISSING
   */
  async open(): Promise<string> {
    this.#context.forget()
    return (await this.#context.open()).index
  }

  /**
   * Encode and send any number of documents in bounded memory. Killed and started again with the last checkpoint it
   * neither loses nor doubles a document.
   *
   * An id that occurs twice in the input keeps one of its documents; which one is not told.
   *
   * @returns How it ended.
   * @throws SearchEngineError of the first document that is refused, unless there is `onDeadLetter`; or when the server
   * stays busy after every retry. What was taken until then stays.
   */
  async bulkIngest(
    documents: AsyncIterable<EngineDocument> | Iterable<EngineDocument>,
    options: IngestOptions = {},
  ): Promise<IngestProgress> {
    const checked = checkOptions('options', options, INGEST_OPTIONS)
    const signal = optionalSignal(checked.signal)
    signal?.throwIfAborted()
    const { transport, models } = this.#context
    const { index } =
      checked.index === undefined
        ? await this.#context.open(signal)
        : await this.#context.check(checkIndexName('index', checked.index), signal)
    const retries = readRetries(checked.retries, INGEST_RETRIES)
    const work = (): Promise<IngestProgress> => ingest(documents, models, { transport, index, retries }, checked)
    const progress = await (flag('loadMode', checked.loadMode) ? inLoadMode(transport, index, retries, work) : work())
    if (checked.refresh !== false) await this.#context.ask('refresh', { method: 'POST', path: `/${index}/_refresh` })
    return progress
  }

  /** Keep one document, in the place of an older one of the same id. */
  store(document: EngineDocument, options?: WriteOptions): Promise<void> {
    return store(this.#context, document, options)
  }

  /**
   * Change some fields of a document; its vectors and words stay.
   *
   * @throws SearchEngineError ERR_NEARHASH_ENGINE_DOCUMENT_MISSING, ERR_NEARHASH_ENGINE_VERSION_CONFLICT
   */
  updateFields(id: string, fields: Readonly<Record<string, unknown>>, options?: WriteOptions): Promise<void> {
    return updateFields(this.#context, id, fields, options)
  }

  /** Replace the vector of a document, or those of some models, and its words with it; its fields stay. */
  updateVector(id: string, vector: NumericArray | Readonly<Record<string, NumericArray>>, options?: WriteOptions): Promise<void> {
    return updateVectors(this.#context, id, vector, options)
  }

  /** @returns Whether there was such a document. */
  delete(id: string, options?: WriteOptions): Promise<boolean> {
    return remove(this.#context, id, options)
  }

  /** @returns How many were deleted. */
  deleteByQuery(query: Clause, options?: DeleteByQueryOptions): Promise<number> {
    return deleteByQuery(this.#context, query, options)
  }

  /** A document as it is now, also when searches don't see it yet; undefined when there is none. */
  get(id: string, options?: { routing?: string; signal?: AbortSignal }): Promise<StoredDocument | undefined> {
    return get(this.#context, id, options)
  }

  /** Make every change so far visible to searches. */
  async refresh(): Promise<void> {
    await this.#context.ask('refresh', { method: 'POST', path: `/${this.name}/_refresh` })
  }

  /** Documents that searches see. */
  async count(): Promise<number> {
    const { body } = await this.#context.ask('count', { method: 'GET', path: `/${this.name}/_count` })
    return isObject(body) ? Number(body['count']) : 0
  }

  /**
   * The nearest documents of a vector or of a document.
   *
   * @throws SearchEngineError, ERR_NEARHASH_ENGINE_PARTIAL_RESULT unless `partial` allows that.
   */
  search(options: EngineSearchOptions): Promise<EngineNeighbors> {
    return search(this.#context, options)
  }

  /** The body of the request that `search` makes for candidates, as plain JSON. Asks the server nothing. */
  buildQuery(options: Omit<EngineSearchOptions, 'id'>): Record<string, unknown> {
    if ((options as EngineSearchOptions)?.id !== undefined) {
      throw argumentError('id', show((options as EngineSearchOptions).id), 'a vector: the one of a document is on the server')
    }
    return plan(this.#context, options).body
  }

  /** Which words a query and a document share, and what each adds to the score. */
  explain(id: string, options: ExplainOptions): Promise<Explanation> {
    return explain(this.#context, id, options)
  }

  /**
   * Encode every document of the current version with the models of another index object and keep them in the next
   * version; the vectors come from the documents. Write to both while it runs, or write the changes of that time again.
   *
   * @param target Usually of the same name, with models of the same names.
   * @returns The new version's name and how ingestion ended.
   */
  async reencode(target: SearchEngineIndex, options: ReencodeOptions = {}): Promise<{ index: string; progress: IngestProgress }> {
    const { create, makeCurrent, ...rest } = options
    const { index: from } = await this.#context.open(options.signal)
    await this.#context.ask('refresh', { method: 'POST', path: `/${from}/_refresh` })
    const index = await target.create({ ...(create ?? (await likeIndex(this.#context, from))), makeCurrent: false })
    const names = [...target.#context.models.keys()]
    const documents = documentsOf(this.#context, from, names, options.signal)
    const progress = await target.bulkIngest(documents, { loadMode: true, ...rest, index })
    if (makeCurrent !== false) await target.makeCurrent(index)
    // The name may be this one's too.
    this.#context.forget()
    return { index, progress }
  }
}
