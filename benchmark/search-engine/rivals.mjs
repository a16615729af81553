// The queries that the published recipe sends, and what the server can do by itself: exact search and its own k-NN.

/** The recipe's more_like_this with its parameters; what it does not name stays at the server's default. */
const PUBLISHED = { min_term_freq: 1 }

/**
 * @typedef {object} Rival
 * @property {string} name
 * @property {(words: readonly string[]) => Record<string, unknown>} cutOffs of more_like_this
 */

/** @type {readonly Rival[]} */
export const RECIPES = [
  { name: 'recipe, every default', cutOffs: () => ({}) },
  { name: 'recipe as published', cutOffs: (words) => ({ ...PUBLISHED, max_query_terms: words.length }) },
  {
    name: 'recipe, cut-offs corrected',
    cutOffs: (words) => ({ ...PUBLISHED, max_query_terms: words.length, min_doc_freq: 1, minimum_should_match: '1' }),
  },
]

/**
 * @param {Rival} rival
 * @param {readonly string[]} words of the query's vector
 * @param {number} candidates
 */
export function recipeBody({ cutOffs }, words, candidates) {
  return {
    size: candidates,
    track_total_hits: false,
    stored_fields: '_none_',
    docvalue_fields: ['nearhash.id', 'nearhash.vector.vector'],
    query: {
      more_like_this: {
        fields: ['nearhash.vector.words'],
        like: [{ doc: { nearhash: { vector: { words } } } }],
        ...cutOffs(words),
      },
    },
  }
}

/** How a script reads one coordinate of a stored vector. */
const COORDINATE = {
  float32: 'int p = b.offset + 4 * i; double x = Float.intBitsToFloat((b.bytes[p] & 255) | ((b.bytes[p + 1] & 255) << 8) | ((b.bytes[p + 2] & 255) << 16) | ((b.bytes[p + 3] & 255) << 24));',
  int16: 'int p = b.offset + 2 * i; double x = (b.bytes[p] & 255) | (b.bytes[p + 1] << 8);',
  uint8: 'double x = b.bytes[b.offset + i] & 255;',
}

/**
 * Exact search by a script over every stored vector; vectors of length 1 are ordered by it as by their angle.
 *
 * @param {ArrayLike<number>} vector
 * @param {'float32' | 'int16' | 'uint8'} vectorType
 * @param {number} k
 */
export function scriptBody(vector, vectorType, k) {
  return {
    size: k,
    track_total_hits: false,
    stored_fields: '_none_',
    docvalue_fields: ['nearhash.id'],
    query: {
      script_score: {
        query: { match_all: {} },
        script: {
          lang: 'painless',
          source: `def b = doc['nearhash.vector.vector'].value; double s = 0; for (int i = 0; i < params.q.length; i++) { ${COORDINATE[vectorType]} double d = x - params.q[i]; s += d * d; } return 1 / (1 + s);`,
          params: { q: Array.from(vector) },
        },
      },
    },
  }
}

/** Settings and mapping of an index for the server's own k-NN: HNSW of Lucene with its usual parameters. */
export const NATIVE_PARAMETERS = { m: 16, ef_construction: 100 }

/**
 * @param {'opensearch' | 'elasticsearch'} flavour
 * @param {number} dim
 * @param {'euclidean' | 'cosine'} metric
 */
export function nativeIndexBody(flavour, dim, metric) {
  const cosine = metric === 'cosine'
  const vector =
    flavour === 'opensearch'
      ? { type: 'knn_vector', dimension: dim, method: { name: 'hnsw', engine: 'lucene', space_type: cosine ? 'cosinesimil' : 'l2', parameters: NATIVE_PARAMETERS } }
      : { type: 'dense_vector', dims: dim, index: true, similarity: cosine ? 'cosine' : 'l2_norm', index_options: { type: 'hnsw', ...NATIVE_PARAMETERS } }
  return {
    settings: { index: { ...(flavour === 'opensearch' ? { knn: true } : {}), number_of_shards: 1, number_of_replicas: 0, refresh_interval: -1 } },
    mappings: {
      _source: { excludes: ['vector'] },
      properties: { id: { type: 'keyword', index: false, doc_values: true }, vector },
    },
  }
}

/**
 * @param {'opensearch' | 'elasticsearch'} flavour
 * @param {ArrayLike<number>} vector
 * @param {number} candidates that the graph's search keeps on its way
 */
export function nativeBody(flavour, vector, candidates) {
  const values = Array.from(vector)
  const search =
    flavour === 'opensearch'
      ? { query: { knn: { vector: { vector: values, k: candidates } } } }
      : { knn: { field: 'vector', query_vector: values, k: 10, num_candidates: candidates } }
  return { size: 10, track_total_hits: false, stored_fields: '_none_', docvalue_fields: ['id'], ...search }
}
