// A strict consumer, compiled and never run: what ought to compile does, and what ought not doesn't.

import {
  cdist,
  cdistSync,
  ClusterTokens,
  configure,
  knn,
  knnSync,
  Index,
  L2,
  LshTokens,
  NearhashError,
  runtime,
  SRP,
  stats,
  weightedOverlap,
  type Cancellable,
  type CdistOptions,
  type ClusterTokensDescription,
  type ClusterTokensOptions,
  type Codes,
  type Configuration,
  type Description,
  type Distances,
  type EncodeQueryOptions,
  type Evaluation,
  type Filter,
  type FitOptions,
  type Hashes,
  type Ids,
  type IndexDescription,
  type IndexOptions,
  type IndexSearchOptions,
  type KnnOptions,
  type L2Options,
  type LshIndex,
  type LshOptions,
  type LshTokensDescription,
  type Matrix,
  type Metric,
  type Neighbors,
  type NumericArray,
  type PredictOptions,
  type Progress,
  type QueryResult,
  type QueryWords,
  type Row,
  type Runtime,
  type SearchOptions,
  type TableDescription,
  type TokensRecall,
  type TokensValidation,
  type TrainOptions,
  type VectorIndex,
  type VectorTokens,
  type Vectors,
} from 'nearhash'

/** Compiles when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(equal: Same<A, B>): void

// Construction.
const options: LshOptions = { nProjections: 15, nHashTables: 20, dim: 64, seed: 1 }
const l2Options: L2Options = { ...options, r: 4 }
const srp: SRP = new SRP(options)
const l2: L2 = new L2(l2Options)
new SRP()
new SRP({ bucketSize: 50 })
new SRP(15, 20)
new SRP(15, 20, { dim: 64, seed: 0 })
new L2(15, 20, { r: 4 })
const base: VectorIndex = srp
const lsh: LshIndex = l2
// @ts-expect-error r belongs to L2
new SRP({ r: 4 })
// @ts-expect-error said twice
new L2(15, 20, { nProjections: 15 })
// @ts-expect-error unknown key
new L2({ projections: 15 })
// @ts-expect-error a number is wanted
new L2({ nProjections: '15' })

// Vectors of every shape.
const shapes: Vectors[] = [
  new Float32Array(64),
  new Float64Array(64),
  new Int8Array(64),
  new Uint8Array(64),
  new Uint8ClampedArray(64),
  new Int16Array(64),
  new Uint16Array(64),
  new Int32Array(64),
  new Uint32Array(64),
  [1, 2, 3],
  [
    [1, 2],
    [3, 4],
  ],
  [new Float32Array(2), new Float32Array(2)],
  { data: new Float32Array(64), shape: [1, 64] },
  [1, 2, 3] as const,
  new Float32Array(new SharedArrayBuffer(8)),
  Buffer.alloc(8),
]
const matrix: Matrix = { data: [1, 2, 3, 4], shape: [2, 2] }
const numbers: NumericArray = [1, 2]
// @ts-expect-error BigInt arrays are refused
const bigints: Vectors = new BigInt64Array(2)
// @ts-expect-error a shape has two numbers
const flat: Matrix = { data: [1, 2], shape: [2] }
// @ts-expect-error text is no vector
srp.searchSync('0110')

// Promises and their blocking twins.
const { signal } = new AbortController()
const cancellable: Cancellable = { signal }
const fitOptions: FitOptions = { signal, onProgress: ({ stage, done, total }: Progress) => void [stage, done, total] }
const predictOptions: PredictOptions = { topK: 5, onlyIndex: true, bound: 100, signal }
const searchOptions: SearchOptions = { k: 10, signal }

const fitted: SRP = await new SRP().fit(matrix, fitOptions)
same<ReturnType<L2['fitSync']>, L2>(true)
const found: Neighbors = await srp.search(shapes[0]!, searchOptions)
const foundSync: Neighbors = srp.searchSync(matrix, { k: 3 })
// @ts-expect-error a blocking call can't be aborted
srp.searchSync(matrix, { k: 3, signal })
srp.searchSync(matrix, { filter: { deny: [1] } })
// @ts-expect-error predict counts all candidates
srp.predictSync(matrix, { filter: { deny: [1] } })
const results: QueryResult[] = await l2.predict(matrix, predictOptions)
const resultsSync: QueryResult[] = l2.predictSync(matrix, { topK: 1 })
const id: number = l2.storeVec(numbers)
const ids: Uint32Array = await l2.storeVecs(matrix, fitOptions)
const idsSync: Uint32Array = l2.storeVecsSync(matrix)
const gone: number = l2.deleteVec(id) + l2.deleteVec([1, 2])
l2.updateVec(id, new Float32Array(2))
const vector: Float32Array | undefined = l2.getVec(id)
const evaluation: Evaluation = await l2.evaluate(matrix, searchOptions)
const evaluationSync: Evaluation = l2.evaluateSync(matrix, { k: 5 })

// Results.
for (const row of found) {
  const { ids, distances }: Row = row
  same<typeof ids, Uint32Array>(true)
  same<typeof distances, Float32Array>(true)
}
same<ReturnType<Neighbors['at']>, Row>(true)
const [result] = results
if (result !== undefined) {
  same<typeof result.index, Uint32Array>(true)
  same<typeof result.vectors, readonly Float32Array[] | undefined>(true)
  // @ts-expect-error results are read-only
  result.nCollisions = 1
}

// Words of vectors.
const wordOptions: ClusterTokensOptions = { groups: 8, clusters: 64, metric: 'cosine', rotation: 'auto', probes: 4, sample: 5000, iterations: 5, seed: 1 }
const trainOptions: TrainOptions = { ...wordOptions, ...fitOptions }
const clusterTokens: ClusterTokens = await ClusterTokens.train(matrix, trainOptions)
const clusterTokensSync: ClusterTokens = ClusterTokens.trainSync(matrix, wordOptions)
// @ts-expect-error a blocking call can't be aborted
ClusterTokens.trainSync(matrix, { ...wordOptions, signal })
// @ts-expect-error models are trained or loaded
new ClusterTokens()
const lshTokens: LshTokens = new LshTokens(srp)
// @ts-expect-error an index is wanted
new LshTokens(clusterTokens)
const eitherTokens: VectorTokens[] = [clusterTokens, clusterTokensSync, lshTokens]
const words: string[][] = await eitherTokens[0]!.encode(matrix, cancellable)
const queryOptions: EncodeQueryOptions = { probes: 4 }
const queryWords: QueryWords = lshTokens.encodeQuery(numbers, queryOptions)
same<ReturnType<typeof weightedOverlap>, number>(true)
weightedOverlap(queryWords, words[0]!)
const codes: Codes = clusterTokens.encodeCodesSync(matrix)
same<typeof codes.data, Uint8Array | Uint16Array>(true)
const clusterDescription: ClusterTokensDescription = clusterTokens.describe()
const lshDescription: LshTokensDescription = lshTokens.describe()
const validation: TokensValidation | undefined = clusterDescription.validation
const recalls: TokensRecall[] = validation?.recalls ?? []
await clusterTokens.save('model.bin', cancellable)
const loaded: ClusterTokens = await ClusterTokens.load('model.bin', cancellable)
same<ReturnType<ClusterTokens['toBytes']>, Uint8Array>(true)
void [lshDescription, recalls, loaded, ClusterTokens.fromBytes(loaded.toBytes())]

// What shows buckets and parameters.
same<ReturnType<L2['base']>, L2>(true)
const chained: L2 = l2.base().multiProbe(10).reset()
const candidates: Uint32Array = lsh.queryBucketIdx(numbers)
const bucket: Float32Array[] = lsh.queryBucket(numbers)
const hashes: Hashes = lsh.hash(matrix)
const [rows, nHashTables, nProjections] = hashes.shape
const buckets: Map<string, Uint32Array> = lsh.buckets(0)
const description: Description = lsh.describe()
const tables: TableDescription[] = description.tables
if (description.probing.kind === 'multi-probe') same<typeof description.probing.budget, number>(true)
const metric: Metric = base.metric
same<typeof l2.r, number | undefined>(true)
same<typeof base.dim, number | undefined>(true)
// @ts-expect-error only L2 has a width
srp.r
// @ts-expect-error read-only
base.size = 3
base.dispose()
base[Symbol.dispose]()

// The fast index.
const indexOptions: IndexOptions = { metric: 'cosine', dim: 2, recall: 0.9, k: 5, settle: 0, seed: 1 }
const index: Index = await new Index(indexOptions).fit(matrix, fitOptions)
const asIndex: VectorIndex = index
const listed: Ids = [1, 2, 3]
const filter: Filter = { allow: listed }
const indexSearch: IndexSearchOptions = { k: 5, recall: 0.99, filter, signal }
const near: Neighbors = await index.search(matrix, indexSearch)
const nearSync: Neighbors = index.searchSync(numbers, { probes: 8, filter: { deny: new Uint8Array(8) } })
const measured: Evaluation = await index.evaluate(matrix, indexSearch)
const plan: IndexDescription = index.describe()
same<typeof index.recall, number>(true)
// @ts-expect-error one of the two
index.searchSync(matrix, { filter: { allow: [1], deny: [2] } })
// @ts-expect-error buckets are not shown
index.predict(matrix)
// @ts-expect-error of SRP and L2
new Index({ nProjections: 15 })

// Exact search and theory.
const cdistOptions: CdistOptions = { metric: 'cosine', signal }
const knnOptions: KnnOptions = { ...cdistOptions, k: 3 }
const distances: Distances = await cdist(matrix, matrix, cdistOptions)
const distancesSync: Distances = cdistSync(matrix, matrix)
const exact: Neighbors = await knn(matrix, matrix, knnOptions)
const exactSync: Neighbors = knnSync(matrix, matrix, { k: 1, metric: 'euclidean' })
// @ts-expect-error no such metric
cdistSync(matrix, matrix, { metric: 'manhattan' })
const probability: number = stats.detProbQuery(stats.collisionProbL2(4, 1), 15, 20) + stats.collisionProbCosine(0.5)
const estimate: number = stats.estimateL(0.05, 0.9, 10)

// The process.
const configuration: Configuration = { threads: 2 }
configure(configuration)
const { version, cpu, threads }: Runtime = runtime()

// Errors.
try {
  srp.fitSync(matrix)
} catch (error) {
  if (error instanceof NearhashError) {
    same<typeof error.code, string>(true)
    same<[typeof error.argument, typeof error.received, typeof error.allowed], [string, string, string]>(true)
  }
}

void [
  bigints,
  flat,
  cancellable,
  fitted,
  foundSync,
  resultsSync,
  ids,
  idsSync,
  gone,
  vector,
  evaluation,
  evaluationSync,
]
void [chained, candidates, bucket, rows, nHashTables, nProjections, buckets, tables, metric, distances, distancesSync]
void [asIndex, near, nearSync, measured, plan]
void [exact, exactSync, probability, estimate, version, cpu, threads]
