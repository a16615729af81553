import { createHash } from 'node:crypto'
import { argumentError, show } from '../errors.js'
import { checkOptions, oneOf } from '../options.js'
import { readVector, type NumericArray } from '../vectors.js'
import { isObject } from './engine-error.js'
import type { VectorTokens } from '../tokens.js'

/** Type of the numbers that are kept of a vector. */
export type VectorType = 'float32' | 'int16' | 'uint8'

/** One model of an index. */
export interface EngineModel {
  /** Makes the words. */
  tokens: VectorTokens
  /**
   * How vectors are kept in the documents; default `'float32'`. The others take less room and refuse what they cannot
   * hold.
   */
  vectorType?: VectorType
}

/** @internal A model with its place in the documents. */
export interface Model {
  name: string
  tokens: VectorTokens
  vectorType: VectorType
  /** Field of the words. */
  words: string
  /** Field of the vector. */
  vector: string
}

/** @internal The object field that holds everything of nearhash; a document's other fields are its own. */
export const ROOT = 'nearhash'

/** @internal The document's id once more, where it can be read without the stored fields. */
export const ID_FIELD = `${ROOT}.id`

/** Name of the model of an index that has one. */
const ONLY = 'vector'

const VECTOR_TYPES = ['float32', 'int16', 'uint8'] as const

const ARRAYS = { float32: Float32Array, int16: Int16Array, uint8: Uint8Array }

/** @internal */
export function readModels(model: unknown, models: unknown): Map<string, Model> {
  if ((model === undefined) === (models === undefined)) {
    throw argumentError('model', model === undefined ? 'neither model nor models' : 'both model and models', 'one of the two')
  }
  if (models !== undefined && !isObject(models)) throw argumentError('models', show(models), 'an object of models by name')
  const given = models === undefined ? { [ONLY]: model } : (models as Record<string, unknown>)
  const read = new Map(Object.entries(given).map(([name, one]) => [name, readModel(name, one)]))
  if (read.size === 0) throw argumentError('models', 'no models', 'at least one')
  return read
}

function readModel(name: string, given: unknown): Model {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name) || name === 'id') {
    throw argumentError('models', `the name ${show(name)}`, 'names of a-z, 0-9 and _ that begin with a letter, except "id"')
  }
  const isModel = isObject(given) && 'tokens' in given
  const { tokens, vectorType } = isModel
    ? checkOptions(name, given as unknown as EngineModel, ['tokens', 'vectorType'])
    : { tokens: given as VectorTokens, vectorType: undefined }
  if (typeof tokens?.encodeQuery !== 'function' || typeof tokens.modelHash !== 'string') {
    throw argumentError(name, show(tokens), 'a ClusterTokens or an LshTokens')
  }
  return {
    name,
    tokens,
    vectorType: oneOf('vectorType', vectorType, VECTOR_TYPES, 'float32'),
    words: `${ROOT}.${name}.words`,
    vector: `${ROOT}.${name}.vector`,
  }
}

/** @internal Eight digits that stand for all models together in the names of indices. */
export function shortHash(models: ReadonlyMap<string, Model>): string {
  const [only] = models.values()
  if (models.size === 1) return only!.tokens.modelHash.slice(0, 8)
  const hash = createHash('sha256')
  for (const name of [...models.keys()].sort()) hash.update(`${name}\0${models.get(name)!.tokens.modelHash}\0`)
  return hash.digest('hex').slice(0, 8)
}

/** @internal The one model, or the one of this name. */
export function pickModel(models: ReadonlyMap<string, Model>, argument: string, name: string | undefined): Model {
  const model = name === undefined && models.size === 1 ? [...models.values()][0] : models.get(name ?? '')
  if (model === undefined) {
    const received = name === undefined ? 'no name of a model' : show(name)
    throw argumentError(argument, received, [...models.keys()].map((key) => JSON.stringify(key)).join(' or '))
  }
  return model
}

/** @internal The vectors of a document or a query, by model: `vector` where there is one model, or `vectors`. */
export function readVectorsByModel(
  models: ReadonlyMap<string, Model>,
  vector: NumericArray | undefined,
  vectors: Readonly<Record<string, NumericArray>> | undefined,
): Map<Model, NumericArray> {
  if (vector !== undefined && vectors !== undefined) throw argumentError('vectors', 'both vector and vectors', 'one of the two')
  if (vector !== undefined) return new Map([[pickModel(models, 'vectors', undefined), checkVector(models, 'vector', vector)]])
  if (vectors === undefined) return new Map()
  if (!isObject(vectors)) throw argumentError('vectors', show(vectors), 'an object of vectors by model')
  return new Map(
    Object.entries(vectors).map(([name, one]) => {
      const model = pickModel(models, 'vectors', name)
      return [model, checkLength(model, `vectors.${name}`, one)]
    }),
  )
}

function checkVector(models: ReadonlyMap<string, Model>, argument: string, vector: NumericArray): NumericArray {
  return checkLength(pickModel(models, argument, undefined), argument, vector)
}

function checkLength(model: Model, argument: string, vector: NumericArray): NumericArray {
  const values = readVector(argument, vector)
  if (values.length !== model.tokens.dim) {
    throw argumentError(argument, `${values.length} numbers`, `${model.tokens.dim}, as many as the model was made for`)
  }
  return values
}

/**
 * @internal A vector as its document keeps it: the numbers one after the other, little endian, in base64.
 *
 * @throws NearhashError ERR_NEARHASH_ARGUMENT when the type cannot hold them.
 */
export function vectorToText({ name, vectorType }: Model, vector: NumericArray): string {
  const values = readVector(name, vector)
  const Values = ARRAYS[vectorType]
  const kept = values instanceof Values ? values : Values.from(values as Iterable<number>)
  for (let i = 0; i < kept.length; i++) {
    if (kept[i] !== values[i]) throw argumentError(name, `${values[i]} at column ${i}`, `numbers of ${vectorType}`)
  }
  return Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength).toString('base64')
}

/**
 * @internal Vectors from documents, one after the other in one array.
 *
 * @throws NearhashError ERR_NEARHASH_ARGUMENT when one has another length than the model's.
 */
export function vectorsFromText({ name, vectorType, tokens }: Model, texts: readonly string[]): InstanceType<(typeof ARRAYS)[VectorType]> {
  const Values = ARRAYS[vectorType]
  const bytes = tokens.dim * Values.BYTES_PER_ELEMENT
  const memory = Buffer.from(new ArrayBuffer(texts.length * bytes))
  for (const [i, text] of texts.entries()) {
    if (Buffer.byteLength(text, 'base64') !== bytes) {
      throw argumentError(name, `a stored vector of ${Buffer.byteLength(text, 'base64')} bytes`, `${bytes}`)
    }
    memory.write(text, i * bytes, bytes, 'base64')
  }
  return new Values(memory.buffer, 0, texts.length * tokens.dim)
}
