import { ANNOY } from './annoy.mjs'
import { ENGINE_EXACT, ENGINE_INDEX, ENGINE_INDEX_AVX2, ENGINE_LSH, ENGINE_PURE_HASH } from './engine.mjs'
import { EXACT_SCAN } from './exact-scan.mjs'
import { FALCONN } from './falconn.mjs'
import { FAISS_FLAT, FAISS_HNSW, FAISS_IVF, FAISS_IVF_PQ, FAISS_LSH } from './faiss.mjs'
import { HNSWLIB_NATIVE } from './hnswlib-native.mjs'
import { HNSWLIB_NODE } from './hnswlib-node.mjs'
import { INDEX, INDEX_AVX2, PURE_HASH } from './nearhash-index.mjs'
import { TEXTBOOK_LSH } from './nearhash-lsh.mjs'
import { NUMPY_EXACT } from './numpy-exact.mjs'
import { PUFFINN } from './puffinn.mjs'
import { REDIS } from './redis.mjs'
import { USEARCH } from './usearch.mjs'

/**
 * Everything that can be measured, in the order of tables and legends: ours first, then by language.
 *
 * @type {readonly import('./rival.mjs').Rival[]}
 */
export const RIVALS = [
  INDEX,
  ENGINE_INDEX,
  PURE_HASH,
  ENGINE_PURE_HASH,
  INDEX_AVX2,
  ENGINE_INDEX_AVX2,
  TEXTBOOK_LSH,
  ENGINE_LSH,
  EXACT_SCAN,
  ENGINE_EXACT,
  HNSWLIB_NODE,
  USEARCH,
  HNSWLIB_NATIVE,
  FAISS_HNSW,
  FAISS_IVF,
  FAISS_IVF_PQ,
  FAISS_LSH,
  FAISS_FLAT,
  ANNOY,
  FALCONN,
  PUFFINN,
  NUMPY_EXACT,
  REDIS,
]
