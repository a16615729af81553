// Generated from bindings/ts by "npm run build".

import { NumericArray } from './index.js';
import { NearhashError } from './index.js';
import { Cancellable } from './index.js';
import { VectorTokens } from './index.js';

/** Certificates, as node:tls takes them. */
interface TlsOptions {
  /** Certificates of the authorities that are trusted, PEM. */
  ca?: string | Uint8Array;
  /** This client's certificate, PEM. */
  cert?: string | Uint8Array;
  /** Its private key, PEM. */
  key?: string | Uint8Array;
  /** Of the private key. */
  passphrase?: string;
  /** Name that the server's certificate has to carry, where it is not the address. */
  servername?: string;
  /** false accepts any certificate, which keeps nobody out; default true. */
  rejectUnauthorized?: boolean;
}

/** One request to a search engine. */
interface EngineRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  /** Path from the node's root, escaped, for instance `/photos/_search`. */
  path: string;
  /** Parameters of the path. */
  query?: Readonly<Record<string, string | number | boolean>>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is: lines of JSON, the last one ended too. */
  ndjson?: string;
  /** Gives the request up; the promise rejects with its reason. */
  signal?: AbortSignal;
}
/** An answer of any status. */
interface EngineReply {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Parsed JSON; text when it was none; undefined when there was no body. */
  body: unknown;
}
/**
 * The way to a search engine. Resolves with an answer of any status, rejects when there was none: with a
 * {@link SearchEngineError} `ERR_NEARHASH_ENGINE_CONNECTION`, or the reason of the signal.
 */
interface EngineTransport {
  request(request: EngineRequest): Promise<EngineReply>;
}
/** How to say who is asking. */
type Authentication = {
  username: string;
  password: string;
} | {
  apiKey: string;
} | {
  bearer: string;
};
/** Options of {@link connect}. */
interface ConnectOptions {
  /** Addresses, for instance `'https://search.example:9200'`. They take turns; one that cannot be reached is passed by. */
  nodes: string | readonly string[];
  auth?: Authentication;
  /** Further headers, or what makes them for a request (for signatures that depend on it). */
  headers?: Readonly<Record<string, string>> | ((request: {
    method: string;
    url: string;
    body: string | undefined;
  }) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);
  /** Milliseconds that one request may take; default 30,000, 0: any. */
  timeout?: number;
  /** Certificates of the server's authority and of this client. Requests then go by node:https. */
  tls?: TlsOptions;
  /** In the place of the built-in fetch. */
  fetch?: typeof globalThis.fetch;
}
/**
 * A transport without a client library: the built-in fetch, or node:https where `tls` is given.
 *
 * @throws NearhashError ERR_NEARHASH_ARGUMENT.
 */
declare function connect(options: ConnectOptions): EngineTransport;

/** What is used of a client of the package `@opensearch-project/opensearch` or `@elastic/elasticsearch`. */
interface ClientLike {
  transport: {
    request(params: any, options?: any): PromiseLike<unknown>;
  };
}
/**
 * The transport of a client that the program has already, with its nodes, credentials, certificates and retries.
 *
 * A client of `@opensearch-project/opensearch` talks to OpenSearch and to Elasticsearch; one of
 * `@elastic/elasticsearch` to Elasticsearch of its own major version only.
 *
 * @throws NearhashError ERR_NEARHASH_ARGUMENT when this is no such client.
 */
declare function fromClient(client: ClientLike): EngineTransport;

/** A document to keep. */
interface EngineDocument {
  /** 1 to 512 bytes; any text. */
  id: string;
  /** Of the only model. */
  vector?: NumericArray;
  /** By model; a document may leave models out. */
  vectors?: Readonly<Record<string, NumericArray>>;
  /** Its own fields, as JSON. The name `nearhash` is taken. */
  fields?: Readonly<Record<string, unknown>>;
  /** Which shard it goes to, where that is not told by its id. */
  routing?: string;
}

/** Names for programs of what a search engine may refuse, see {@link SearchEngineError}. */
type SearchEngineErrorCode = 'ERR_NEARHASH_ENGINE_CIRCUIT_BROKEN' | 'ERR_NEARHASH_ENGINE_CONNECTION' | 'ERR_NEARHASH_ENGINE_DOCUMENT_MISSING' | 'ERR_NEARHASH_ENGINE_INDEX_MISSING' | 'ERR_NEARHASH_ENGINE_MAPPING' | 'ERR_NEARHASH_ENGINE_MODEL_MISMATCH' | 'ERR_NEARHASH_ENGINE_PARTIAL_RESULT' | 'ERR_NEARHASH_ENGINE_PAYLOAD_TOO_LARGE' | 'ERR_NEARHASH_ENGINE_REJECTED' | 'ERR_NEARHASH_ENGINE_REQUEST' | 'ERR_NEARHASH_ENGINE_TOO_MANY_CLAUSES' | 'ERR_NEARHASH_ENGINE_UNAUTHORIZED' | 'ERR_NEARHASH_ENGINE_UNAVAILABLE' | 'ERR_NEARHASH_ENGINE_VERSION_CONFLICT';
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
declare class SearchEngineError extends NearhashError {
  readonly code: SearchEngineErrorCode;
  /** HTTP status of the answer; undefined when there was none. */
  readonly status: number | undefined;
  /** The server's name for the error, for instance `'index_not_found_exception'`. */
  readonly serverType: string | undefined;
}

/** A query clause as the server takes it, plain JSON. */
type Clause = Readonly<Record<string, unknown>>;
/**
 * How candidates are found: `'weighted'` by the words of the nearest clusters or buckets, each with its weight;
 * `'words'` by the number of common words; `'moreLikeThis'` the same by the server's own query with cut-offs that lose
 * nothing.
 */
type Matching = 'weighted' | 'words' | 'moreLikeThis';
/** What decides which candidates there are. */
interface CandidateOptions {
  /** Candidates to rank exactly, of all shards together; default 300, at least k. */
  candidates?: number;
  /** Clusters per group, or further buckets per table; default: the model's own. */
  probes?: number;
  /** Default `'weighted'`. */
  matching?: Matching;
  /** Share of each model's weights and distances; default 1. */
  weights?: Readonly<Record<string, number>>;
  /** Clauses that every result matches and that don't change the order. */
  filter?: Clause | readonly Clause[];
  /** Clauses that every result matches and whose score counts when candidates are chosen. */
  must?: Clause | readonly Clause[];
  /** Clauses that no result matches. */
  mustNot?: Clause | readonly Clause[];
}

/** Vectors of documents that are kept elsewhere, by the caller's own means; undefined for an id that is not known. */
type VectorLookup = (ids: readonly string[], model: string) => Promise<readonly (NumericArray | undefined)[]> | readonly (NumericArray | undefined)[];

/** Text and vector blended: each result's places in both lists decide, by reciprocal-rank fusion. */
interface HybridOptions {
  /** The query of the text, as the server takes it, for instance `{ match: { caption: 'dog' } }`. */
  query: Clause;
  /** Weight of the text's places; those of the vector have 1. Default 1. */
  weight?: number;
  /** The larger, the less the first places count; default 60. */
  rankConstant?: number;
}
/** What is looked for. */
interface EngineQuery {
  /** Of the only model. */
  vector?: NumericArray;
  /** By model: a candidate needs a word of any, and is ranked by the sum of the distances. */
  vectors?: Readonly<Record<string, NumericArray>>;
}
/** Options of `search`. One of `vector`, `vectors` and `id` says what is looked for. */
interface EngineSearchOptions extends EngineQuery, CandidateOptions, Cancellable {
  /** Neighbours of this document, itself left out. */
  id?: string;
  /** Neighbours wanted; default 10. */
  k?: number;
  /** Nothing that is farther than this. */
  maxDistance?: number;
  /**
   * Rank the candidates by exact distance; default true. A function says where their vectors are, when not in the
   * documents. false leaves them in the order of their scores, in which about half of the first ten are wrong.
   */
  rerank?: boolean | VectorLookup;
  hybrid?: HybridOptions;
  /** Fields of the results' documents: their names, or true for all; default: none. */
  fields?: boolean | readonly string[];
  /** Accept results without the shards that are lost or too slow; default false. */
  partial?: boolean;
  /** How long shards may search, as the server writes it, for instance `'500ms'`. */
  timeout?: string;
  /** Which copies of the shards are asked, as the server takes it. The same text asks the same copies. */
  preference?: string;
  /** Only the shard of this routing value. */
  routing?: string;
}

/** Options of `explain`: the query as it was searched for. */
interface ExplainOptions extends EngineQuery, Pick<CandidateOptions, 'probes' | 'matching' | 'weights'> {
  /** Of the document. */
  routing?: string;
  signal?: AbortSignal;
}

/** How requests that a busy server turned away are repeated. */
interface RetryOptions {
  /** Attempts after the first one; default 6. */
  attempts?: number;
  /** Longest first pause, milliseconds; it doubles from attempt to attempt. Default 100. */
  firstPause?: number;
  /** Longest pause, milliseconds; default 10,000. */
  longestPause?: number;
}

/** How far ingestion has come. */
interface IngestProgress {
  /** Documents read, without those passed over by `resumeFrom`. */
  read: number;
  /** Documents that the server has taken. */
  indexed: number;
  /** Documents handed to `onDeadLetter`. */
  refused: number;
  /** Documents that were sent again, counted each time. */
  retried: number;
  /** Bytes of the requests that were answered. */
  bytes: number;
  /** Every document before this place of the input is done: where to resume. */
  checkpoint: number;
}
/** A document that could not be kept. */
interface DeadLetter {
  document: EngineDocument;
  /** Its place in the input, from 0. */
  offset: number;
  /** A {@link SearchEngineError} of the server, or a NearhashError when it could not be encoded. */
  error: NearhashError;
}
/** Options of `bulkIngest`. */
interface IngestOptions {
  /** Most documents in a request; default 1,000. */
  batchDocuments?: number;
  /** Most bytes in a request, except for a single document that is longer; default 5,000,000. */
  batchBytes?: number;
  /** Requests under way at a time; default 2. Memory is bounded by (concurrency + 2) batches. */
  concurrency?: number;
  retries?: RetryOptions;
  /**
   * `'index'` (default) replaces a document of the same id, so that sending it twice is harmless. `'create'` leaves it
   * as it is.
   */
  operation?: 'index' | 'create';
  /** Called with each document that is refused for good. Left out: the first one ends the ingestion with its error. */
  onDeadLetter?: (letter: DeadLetter) => void | Promise<void>;
  /** Called after every request. */
  onProgress?: (progress: IngestProgress) => void;
  /**
   * Called one at a time whenever the checkpoint has moved: every document before it is kept by the server or was
   * handed to `onDeadLetter`. Remember it to go on after a crash.
   */
  onCheckpoint?: (checkpoint: number) => void | Promise<void>;
  /** Pass over so many documents at the start of the same input: the checkpoint of an earlier attempt. Default 0. */
  resumeFrom?: number;
  /**
   * Turn refreshes and replicas off meanwhile, and back on at the end, also after a failure; a process that was killed
   * puts them back when it is started again. Default false.
   */
  loadMode?: boolean;
  /** Make the documents visible at the end; default true. */
  refresh?: boolean;
  /** A physical index instead of the current one: to fill the next version before it becomes current. */
  index?: string;
  signal?: AbortSignal;
}

/** Type of the numbers that are kept of a vector. */
type VectorType = 'float32' | 'int16' | 'uint8';
/** One model of an index. */
interface EngineModel {
  /** Makes the words. */
  tokens: VectorTokens;
  /**
   * How vectors are kept in the documents; default `'float32'`. The others take less room and refuse what they cannot
   * hold.
   */
  vectorType?: VectorType;
}

/** Where vectors and words are kept. */
type Storage = 'full' | 'lean';
/** How an index is made. */
interface IndexOptions {
  /** Shards; default 1. */
  shards?: number;
  /** Copies of every shard; default 1. */
  replicas?: number;
  /** More settings of the index, as the server takes them under `index`. */
  settings?: Readonly<Record<string, unknown>>;
  /** The mapping of the documents' own fields, as the server takes it: `properties`, `dynamic` and so on. */
  mappings?: Readonly<Record<string, unknown>>;
}
/** What an index says of itself, in `_meta`. */
interface IndexMeta {
  /** Version of this layout. */
  format: number;
  storage: Storage;
  models: Record<string, {
    modelHash: string;
    kind: string;
    dim: number;
    metric: string;
    vectorType: VectorType;
    parameters: unknown;
  }>;
  /** Settings that ingestion in load mode has set aside and will put back. */
  setAside?: {
    refresh_interval: string | null;
    number_of_replicas: string | null;
  };
}

/**
 * What a search found, nearest first: the shape of a row of the local index's results, with text for ids.
 *
 * @example
 * const { ids, distances } = await photos.search({ vector, k: 2 })
 */
declare class EngineNeighbors {
  /** Ids of the documents, nearest first. */
  readonly ids: readonly string[];
  /** Their exact distances, ascending; equal distances are ordered by id. NaN without exact ranking. */
  readonly distances: Float32Array;
  /** The server's score of each; with `hybrid` the blended score, which decides the order. */
  readonly scores: Float32Array;
  /** The documents' own fields, where they were asked for; undefined for one that was deleted meanwhile. */
  readonly documents: readonly (Readonly<Record<string, unknown>> | undefined)[] | undefined;
  /** Candidates that the server sent. */
  readonly candidates: number;
  /** Milliseconds that the server says it took. */
  readonly tookMs: number;
  /** Whether shards were lost or time ran out; only where the search allowed it. */
  readonly partial: boolean;
  /** How many were found. */
  get length(): number;
  /** Plain arrays for JSON. */
  toJSON(): {
    ids: string[];
    distances: number[];
    scores: number[];
    candidates: number;
    tookMs: number;
    partial: boolean;
  };
}
/** One word that a query and a document share. */
interface SharedWord {
  model: string;
  word: string;
  /** What it adds to the score. */
  weight: number;
}
/** Why a document was found. */
interface Explanation {
  id: string;
  /** The shared words, heaviest first. */
  words: SharedWord[];
  /** Sum of their weights, as the engine computes it. */
  score: number;
  /** The score that the server gives the document; undefined when it is not found by these words. */
  serverScore: number | undefined;
  /** Exact distance of the vectors. */
  distance: number;
}

/** Which search engine answers. */
interface EngineServer {
  flavour: 'opensearch' | 'elasticsearch';
  /** For instance `'2.19.1'`. */
  version: string;
  /** First number of the version. */
  major: number;
}

/** One physical index behind a name. */
interface IndexVersion {
  /** Its own name: `<name>-<eight digits of the models' hash>-<running number>`. */
  index: string;
  /** Whether the name stands for it now. */
  current: boolean;
  /** Its running number. */
  number: number;
  meta: IndexMeta;
}

/** Options of the calls that change a document. */
interface WriteOptions {
  /** Of the document. */
  routing?: string;
  /** When searches see the change: at once, after the next refresh has been waited for, or some time; default false. */
  refresh?: boolean | 'wait_for';
  /** Change nothing unless the document is still the one that `get` showed. */
  ifVersion?: DocumentVersion;
  signal?: AbortSignal;
}
/** Which state of a document is meant. */
interface DocumentVersion {
  seqNo: number;
  primaryTerm: number;
}
/** A document as it is kept. */
interface StoredDocument {
  id: string;
  /** By model; absent where vectors are not kept in the source. */
  vectors: Record<string, NumericArray>;
  fields: Record<string, unknown>;
  version: DocumentVersion;
}
/** Options of `deleteByQuery`. */
interface DeleteByQueryOptions {
  /** Delete the others when a document was changed meanwhile, instead of an error; default false. */
  proceed?: boolean;
  refresh?: boolean;
  signal?: AbortSignal;
}

/** Options of {@link SearchEngineIndex}. */
interface SearchEngineIndexOptions {
  /** The way to the server: of `connect` or `fromClient`, or one of your own. */
  transport: EngineTransport;
  /** The name that searches use: an alias of the current version. */
  name: string;
  /** The only model. */
  model?: VectorTokens | EngineModel;
  /** Several models by name, for instance of a picture and of its caption. */
  models?: Readonly<Record<string, VectorTokens | EngineModel>>;
  /**
   * `'full'` (default) keeps vectors and words in the source of the documents too. `'lean'` does not, which takes less
   * disk; such documents can be stored, deleted and re-encoded, but not updated in part, and not by other programs.
   */
  storage?: Storage;
  /** Most clauses of a query; default 1,024, what OpenSearch takes when it was not told otherwise. */
  maxClauses?: number;
  /** Of single requests; default 3 attempts more, pauses of 100 ms to 2 s. */
  retries?: RetryOptions;
  /** What the server is, where it may not be asked. */
  server?: EngineServer;
}
/** Options of `create`. */
interface CreateOptions extends IndexOptions {
  /** Let the name stand for it at once; default: only when it stands for nothing yet. */
  makeCurrent?: boolean;
}
/** Options of `reencode`. */
interface ReencodeOptions extends Omit<IngestOptions, 'index' | 'resumeFrom'> {
  /** How the new version is made; default: as the current one. */
  create?: IndexOptions;
  /** Let the name stand for the new version when it is complete; default true. */
  makeCurrent?: boolean;
}
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
declare class SearchEngineIndex {
  #private;
  /** @throws NearhashError ERR_NEARHASH_ARGUMENT. Asks the server nothing. */
  constructor(options: SearchEngineIndexOptions);
  /** The name that searches use. */
  get name(): string;
  /**
   * Which server answers.
   *
   * @throws SearchEngineError ERR_NEARHASH_ENGINE_REQUEST for one that is neither OpenSearch 2 or 3 nor Elasticsearch 8
   * or 9.
   */
  server(): Promise<EngineServer>;
  /**
   * Make the next version: a physical index for these models, named `<name>-<models>-<number>`.
   *
   * @returns Its name.
   */
  create(options?: CreateOptions): Promise<string>;
  /** Keep settings and mapping on the server as an index template, for versions that other programs make. */
  putTemplate(options?: IndexOptions): Promise<void>;
  /** All versions, oldest first. */
  versions(): Promise<IndexVersion[]>;
  /** Let the name stand for this version, in one step. It may have been made for other models than this object's. */
  makeCurrent(index: string): Promise<void>;
  /**
   * Let the name stand for the version before the current one.
   *
   * @returns The name of that version.
   */
  rollBack(): Promise<string>;
  /** Delete a version that is not current, with its documents. */
  removeVersion(index: string): Promise<void>;
  /**
   * Check that the current version was made for these models; every other call does so by itself.
   *
   * @returns The name of the physical index.
   * @throws SearchEngineError ERR_NEARHASH_ENGINE_MODEL_MISMATCH, ERR_NEARHASH_ENGINE_MAPPING,
   * ERR_NEARHASH_ENGINE_INDEX_MISSING
   */
  open(): Promise<string>;
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
  bulkIngest(documents: AsyncIterable<EngineDocument> | Iterable<EngineDocument>, options?: IngestOptions): Promise<IngestProgress>;
  /** Keep one document, in the place of an older one of the same id. */
  store(document: EngineDocument, options?: WriteOptions): Promise<void>;
  /**
   * Change some fields of a document; its vectors and words stay.
   *
   * @throws SearchEngineError ERR_NEARHASH_ENGINE_DOCUMENT_MISSING, ERR_NEARHASH_ENGINE_VERSION_CONFLICT
   */
  updateFields(id: string, fields: Readonly<Record<string, unknown>>, options?: WriteOptions): Promise<void>;
  /** Replace the vector of a document, or those of some models, and its words with it; its fields stay. */
  updateVector(id: string, vector: NumericArray | Readonly<Record<string, NumericArray>>, options?: WriteOptions): Promise<void>;
  /** @returns Whether there was such a document. */
  delete(id: string, options?: WriteOptions): Promise<boolean>;
  /** @returns How many were deleted. */
  deleteByQuery(query: Clause, options?: DeleteByQueryOptions): Promise<number>;
  /** A document as it is now, also when searches don't see it yet; undefined when there is none. */
  get(id: string, options?: {
    routing?: string;
    signal?: AbortSignal;
  }): Promise<StoredDocument | undefined>;
  /** Make every change so far visible to searches. */
  refresh(): Promise<void>;
  /** Documents that searches see. */
  count(): Promise<number>;
  /**
   * The nearest documents of a vector or of a document.
   *
   * @throws SearchEngineError, ERR_NEARHASH_ENGINE_PARTIAL_RESULT unless `partial` allows that.
   */
  search(options: EngineSearchOptions): Promise<EngineNeighbors>;
  /** The body of the request that `search` makes for candidates, as plain JSON. Asks the server nothing. */
  buildQuery(options: Omit<EngineSearchOptions, 'id'>): Record<string, unknown>;
  /** Which words a query and a document share, and what each adds to the score. */
  explain(id: string, options: ExplainOptions): Promise<Explanation>;
  /**
   * Encode every document of the current version with the models of another index object and keep them in the next
   * version; the vectors come from the documents. Write to both while it runs, or write the changes of that time again.
   *
   * @param target Usually of the same name, with models of the same names.
   * @returns The new version's name and how ingestion ended.
   */
  reencode(target: SearchEngineIndex, options?: ReencodeOptions): Promise<{
    index: string;
    progress: IngestProgress;
  }>;
}

export { EngineNeighbors, SearchEngineError, SearchEngineIndex, connect, fromClient };
export type { Authentication, CandidateOptions, Clause, ClientLike, ConnectOptions, CreateOptions, DeadLetter, DeleteByQueryOptions, DocumentVersion, EngineDocument, EngineModel, EngineQuery, EngineReply, EngineRequest, EngineSearchOptions, EngineServer, EngineTransport, ExplainOptions, Explanation, HybridOptions, IndexMeta, IndexOptions, IndexVersion, IngestOptions, IngestProgress, Matching, ReencodeOptions, RetryOptions, SearchEngineErrorCode, SearchEngineIndexOptions, SharedWord, Storage, StoredDocument, TlsOptions, VectorLookup, VectorType, WriteOptions };
