// A strict consumer of 'nearhash/search-engine', compiled and never run.

import { ClusterTokens, LshTokens, NearhashError, SRP, type NumericArray } from 'nearhash'
import {
  connect,
  EngineNeighbors,
  fromClient,
  SearchEngineError,
  SearchEngineIndex,
  type Authentication,
  type CandidateOptions,
  type Clause,
  type ClientLike,
  type ConnectOptions,
  type CreateOptions,
  type DeadLetter,
  type DeleteByQueryOptions,
  type DocumentVersion,
  type EngineDocument,
  type EngineModel,
  type EngineQuery,
  type EngineReply,
  type EngineRequest,
  type EngineSearchOptions,
  type EngineServer,
  type EngineTransport,
  type ExplainOptions,
  type Explanation,
  type HybridOptions,
  type IndexMeta,
  type IndexOptions,
  type IndexVersion,
  type IngestOptions,
  type IngestProgress,
  type Matching,
  type ReencodeOptions,
  type RetryOptions,
  type SearchEngineErrorCode,
  type SearchEngineIndexOptions,
  type SharedWord,
  type Storage,
  type StoredDocument,
  type TlsOptions,
  type VectorLookup,
  type VectorType,
  type WriteOptions,
} from 'nearhash/search-engine'

/** Compiles when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(equal: Same<A, B>): void

const auth: Authentication = { username: 'me', password: 'secret' }
const tls: TlsOptions = { ca: '' }
const options: ConnectOptions = { nodes: ['https://a:9200'], auth, tls, timeout: 1000 }
const transport: EngineTransport = connect(options)
const own: EngineTransport = {
  request: (_request: EngineRequest): Promise<EngineReply> => Promise.resolve({ status: 200, headers: {}, body: {} }),
}
declare const client: ClientLike
const wrapped: EngineTransport = fromClient(client)
// @ts-expect-error two ways to say who is asking
connect({ nodes: 'http://a', auth: { username: 'me' } })

declare const model: ClusterTokens
const angle = new LshTokens(new SRP({ dim: 4, nProjections: 4, nHashTables: 4 }))
const kept: EngineModel = { tokens: angle, vectorType: 'uint8' satisfies VectorType }
const indexOptions: SearchEngineIndexOptions = { transport, name: 'photos', model, storage: 'lean' satisfies Storage }
const photos = new SearchEngineIndex(indexOptions)
const both = new SearchEngineIndex({ transport: own, name: 'both', models: { image: model, caption: kept } })
// @ts-expect-error no way to the server
new SearchEngineIndex({ name: 'photos', model })
// @ts-expect-error no model
new SearchEngineIndex({ transport, name: 'photos', model: {} })

const create: CreateOptions = { shards: 3, mappings: { properties: {} }, makeCurrent: false }
const made: string = await photos.create(create)
const indexed: IndexOptions = { replicas: 0 }
await photos.putTemplate(indexed)
const versions: IndexVersion[] = await photos.versions()
const meta: IndexMeta | undefined = versions[0]?.meta
const server: EngineServer = await photos.server()

const documents: EngineDocument[] = [{ id: 'a', vector: [1, 2], fields: { caption: 'a dog' } }]
const retries: RetryOptions = { attempts: 3 }
const ingest: IngestOptions = { retries, onDeadLetter: ({ document, error }: DeadLetter) => void [document, error.code] }
const progress: IngestProgress = await photos.bulkIngest(documents, ingest)
// @ts-expect-error an id is text
await photos.store({ id: 7, vector: [1] })
const write: WriteOptions = { refresh: 'wait_for' }
const stored: StoredDocument | undefined = await photos.get('a')
const version: DocumentVersion | undefined = stored?.version
const deletion: DeleteByQueryOptions = { proceed: true }
const clause: Clause = { term: { colour: 'red' } }
const deleted: number = await photos.deleteByQuery(clause, deletion)

const matching: Matching = 'weighted'
const candidates: CandidateOptions = { candidates: 100, probes: 4, matching, filter: clause }
const query: EngineQuery = { vectors: { image: new Float32Array(2) } }
const lookup: VectorLookup = (ids) => ids.map((): NumericArray => [1, 2])
const hybrid: HybridOptions = { query: { match: { caption: 'dog' } } }
const search: EngineSearchOptions = { ...query, ...candidates, k: 5, rerank: lookup, hybrid, fields: ['caption'] }
const found: EngineNeighbors = await both.search(search)
same<typeof found.ids, readonly string[]>(true)
same<typeof found.distances, Float32Array>(true)
// @ts-expect-error an id says what is looked for only on the server
photos.buildQuery({ id: 'a' })
// @ts-expect-error unknown key
await photos.search({ vector: [1], topK: 3 })
const explain: ExplainOptions = { vector: [1, 2], probes: 2 }
const explanation: Explanation = await photos.explain('a', explain)
const words: SharedWord[] = explanation.words
const reencode: ReencodeOptions = { makeCurrent: false }
same<Awaited<ReturnType<SearchEngineIndex['reencode']>>['index'], string>(true)

try {
  await photos.open()
} catch (error) {
  if (error instanceof SearchEngineError) {
    same<typeof error.code, SearchEngineErrorCode>(true)
    same<typeof error.status, number | undefined>(true)
    const base: NearhashError = error
    void base
  }
}

void [wrapped, made, meta, server, progress, write, version, deleted, words, reencode]
