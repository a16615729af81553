export { Index } from './adaptive.js'
export type { IndexDescription, IndexOptions, IndexSearchOptions } from './adaptive.js'
export type { Cancellable, Progress } from './calls.js'
export { ClusterTokens } from './cluster-tokens.js'
export type {
  ClusterTokensDescription,
  ClusterTokensOptions,
  Codes,
  TokensRecall,
  TokensValidation,
  TrainOptions,
} from './cluster-tokens.js'
export { NearhashError } from './errors.js'
export { cdist, cdistSync, knn, knnSync } from './exact.js'
export type { CdistOptions, Distances, KnnOptions } from './exact.js'
export type { Filter, Ids } from './filter.js'
export { L2, SRP } from './lsh.js'
export type { Description, Hashes, L2Options, LshIndex, LshOptions, PredictOptions, TableDescription } from './lsh.js'
export { LshTokens } from './lsh-tokens.js'
export type { LshTokensDescription } from './lsh-tokens.js'
export type { Neighbors, QueryResult, Row } from './results.js'
export { configure, runtime } from './runtime.js'
export type { Configuration, Runtime } from './runtime.js'
export { stats } from './stats.js'
export { weightedOverlap } from './tokens.js'
export type { EncodeQueryOptions, QueryWords, VectorTokens } from './tokens.js'
export type { Evaluation, FitOptions, Metric, SearchOptions, VectorIndex } from './vector-index.js'
export type { Matrix, NumericArray, Vectors } from './vectors.js'
