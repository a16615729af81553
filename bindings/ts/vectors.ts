import { argumentError, NearhashError, show } from './errors.js'

/**
 * Numbers. `Uint8Array`, `Uint8ClampedArray`, `Int8Array`, `Int16Array`, and a `Uint16Array` without values above
 * 32767 keep their type inside an index, which takes less memory; the rest becomes float32 once. The type changes
 * nothing else: the same numbers give the same answers.
 */
export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | readonly number[]

/** A row-major matrix, the shape that npyjs and ndarray-like libraries return. */
export interface Matrix {
  readonly data: NumericArray
  readonly shape: readonly [rows: number, dim: number]
}

/**
 * One or more vectors: a {@link Matrix}, an array of rows, or one flat array whose length is a multiple of the vector
 * length (known from the option `dim` or from `fit`). One flat array of exactly that length is one vector.
 *
 * NaN, infinities (also a float64 beyond float32's range), ragged rows and a wrong length are refused, with the row
 * and column in the message. The numbers are read once, when the call is made, and neither kept nor changed. Arrays
 * over a SharedArrayBuffer are copied first.
 */
export type Vectors = Matrix | NumericArray | readonly NumericArray[]

/** @internal Vectors as the native side takes them: row-major in one of its three types. */
export interface Rows {
  values: Uint8Array | Int16Array | Float32Array
  rows: number
  dim: number
}

type TypedArray = Exclude<NumericArray, readonly number[]>

/** @internal The type's name for a typed array of any realm, undefined for anything else. */
export const typeName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get as (this: unknown) => string | undefined

const TYPED_ARRAYS = [
  'Float32Array',
  'Float64Array',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
]

const VECTORS = 'a matrix { data, shape: [rows, dim] }, an array of rows, or a flat array of numbers'
const NUMBERS = 'a typed array (not of BigInt) or an array of numbers'

/** @internal Longest vector. */
export const MAX_DIM = 2 ** 20

/** The bit of a Uint16Array's number that the native side's 16-bit type has no room for. */
const TOO_LARGE = 0x8000

/**
 * @internal Read vectors of any accepted shape.
 *
 * @param dim The vector length where it is known; without it a flat array is refused.
 */
export function readVectors(argument: string, x: Vectors, dim: number | undefined): Rows {
  const type = typeName.call(x)
  if (type !== undefined) return flat(argument, readTyped(argument, x as TypedArray, type), dim)
  if (Array.isArray(x)) return readArray(argument, x as readonly unknown[], dim)
  if (typeof x === 'object' && x !== null && 'data' in x && 'shape' in x) return readMatrix(argument, x, dim)
  throw argumentError(argument, show(x), VECTORS)
}

/** @internal Whether these are numbers without a word on how long a vector is. */
export function isFlat(x: Vectors): x is NumericArray {
  return typeName.call(x) !== undefined || (Array.isArray(x) && (x.length === 0 || typeof x[0] === 'number'))
}

/** @internal Read one vector. */
export function readVector(argument: string, v: NumericArray): Rows['values'] {
  const type = typeName.call(v)
  const values = type !== undefined ? readTyped(argument, v as TypedArray, type) : readNumbers(argument, v, undefined)
  if (values.length === 0) throw argumentError(argument, 'an empty array', 'a vector of at least one number')
  return values
}

function readMatrix(argument: string, matrix: Matrix, known: number | undefined): Rows {
  const { data, shape } = matrix
  if ((matrix as { fortranOrder?: unknown }).fortranOrder === true) {
    throw argumentError(argument, 'a column-major matrix (fortranOrder)', 'a row-major matrix')
  }
  const counts: unknown = Array.isArray(shape) || typeName.call(shape) !== undefined ? Array.from(shape) : undefined
  if (!Array.isArray(counts) || counts.length !== 2 || !counts.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    const received = Array.isArray(counts) ? `[${counts.map(show).join(', ')}]` : show(shape)
    throw argumentError(`${argument}.shape`, received, '[rows, dim], two integers from 0')
  }
  const [rows, dim] = counts as [number, number]
  const type = typeName.call(data)
  const values =
    type !== undefined
      ? readTyped(`${argument}.data`, data as TypedArray, type)
      : readNumbers(`${argument}.data`, data, dim)
  if (values.length !== rows * dim) {
    throw argumentError(
      `${argument}.data`,
      `${values.length} numbers with shape [${rows}, ${dim}]`,
      `${rows * dim} numbers, rows times dim`,
    )
  }
  return rows === 0 ? noRows(values, known ?? (dim || 1)) : { values, rows, dim }
}

function readArray(argument: string, x: readonly unknown[], dim: number | undefined): Rows {
  if (x.length === 0) return noRows(new Float32Array(0), dim)
  const first = x[0]
  if (Array.isArray(first) || typeName.call(first) !== undefined) return readRows(argument, x)
  return flat(argument, readNumbers(argument, x, dim), dim)
}

function readRows(argument: string, x: readonly unknown[]): Rows {
  const first = x[0] as NumericArray
  const dim = first.length
  const type = typeName.call(first)
  // A detached array has no length either.
  if (type !== undefined) checkTyped(argument, first as TypedArray, type)
  if (dim === 0) throw argumentError(argument, 'vectors of length 0', `length 1 to ${MAX_DIM}`)
  const Values = commonType(x)
  const values = new Values(x.length * dim)
  for (let i = 0; i < x.length; i++) {
    const row = x[i]
    const type = typeName.call(row)
    if (type === undefined && !Array.isArray(row)) {
      throw argumentError(argument, `${show(row)} as row ${i}`, `in every row ${NUMBERS}`)
    }
    const numbers = row as NumericArray
    if (numbers.length !== dim) {
      throw argumentError(argument, `${numbers.length} numbers in row ${i}`, `rows of one length; row 0 has ${dim}`)
    }
    if (type === undefined) {
      fill(values, i * dim, numbers as readonly unknown[], argument, dim)
    } else {
      checkTyped(argument, numbers as TypedArray, type)
      values.set(numbers, i * dim)
    }
  }
  return { values, rows: x.length, dim }
}

/** The smallest of the native side's types that holds every row. */
function commonType(rows: readonly unknown[]): new (length: number) => Rows['values'] {
  let bytes = true
  for (const row of rows) {
    switch (typeName.call(row)) {
      case 'Uint8Array':
      case 'Uint8ClampedArray':
        break
      case 'Int8Array':
      case 'Int16Array':
        bytes = false
        break
      case 'Uint16Array':
        if (!fitsInt16(row as Uint16Array)) return Float32Array
        bytes = false
        break
      default:
        return Float32Array
    }
  }
  return bytes ? Uint8Array : Int16Array
}

/** No vectors, which have no length that could be wrong. */
function noRows(values: Rows['values'], dim: number | undefined): Rows {
  return { values, rows: 0, dim: dim ?? 1 }
}

/** Rows of a flat array. */
function flat(argument: string, values: Rows['values'], dim: number | undefined): Rows {
  if (values.length === 0) return noRows(values, dim)
  if (dim === undefined) {
    throw argumentError(
      argument,
      `a flat array of ${values.length} numbers and no vector length`,
      'a matrix { data, shape: [rows, dim] }, an array of rows, or the option dim',
    )
  }
  if (values.length % dim !== 0) {
    throw new NearhashError({
      code: 'ERR_NEARHASH_DIMENSION',
      argument,
      received: `a flat array of ${values.length} numbers`,
      allowed: `a multiple of the vector length ${dim}`,
    })
  }
  return { values, rows: values.length / dim, dim }
}

/** A typed array in one of the native side's types, in memory that no other thread can write to. */
function readTyped(argument: string, array: TypedArray, type: string): Rows['values'] {
  checkTyped(argument, array, type)
  switch (type) {
    case 'Float32Array':
      return isShared(array) ? new Float32Array(array) : (array as Float32Array)
    case 'Uint8Array':
      return isShared(array) ? new Uint8Array(array) : (array as Uint8Array)
    case 'Uint8ClampedArray':
      // The same bytes under the other name.
      return isShared(array) ? new Uint8Array(array) : new Uint8Array(array.buffer, array.byteOffset, array.length)
    case 'Int16Array':
      return isShared(array) ? new Int16Array(array) : (array as Int16Array)
    case 'Int8Array':
      return new Int16Array(array)
    case 'Uint16Array':
      if (!fitsInt16(array as Uint16Array)) return new Float32Array(array)
      // The same numbers in both types.
      return isShared(array) ? new Int16Array(array) : new Int16Array(array.buffer, array.byteOffset, array.length)
    default:
      return new Float32Array(array)
  }
}

function checkTyped(argument: string, array: TypedArray, type: string): void {
  if (!TYPED_ARRAYS.includes(type)) throw argumentError(argument, `a ${type}`, NUMBERS)
  if (array.length === 0 && isDetached(array.buffer)) {
    throw argumentError(argument, `a ${type} whose buffer is detached`, `${NUMBERS} with its memory in place`)
  }
}

/** @internal */
export function isShared(array: TypedArray): boolean {
  const { buffer } = array
  return !(buffer instanceof ArrayBuffer) && Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]'
}

/** @internal Its property `detached` is newer than Node 20. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

function fitsInt16(array: Uint16Array): boolean {
  const { buffer, byteOffset, length } = array
  // Two numbers at a time, where their addresses allow it.
  const pairs = byteOffset % 4 === 0 ? new Uint32Array(buffer, byteOffset, length >> 1) : new Uint32Array(0)
  let bits = 0
  for (let i = 0; i < pairs.length; i++) bits |= pairs[i]!
  for (let i = 2 * pairs.length; i < length; i++) bits |= array[i]!
  return (bits & ((TOO_LARGE << 16) | TOO_LARGE)) === 0
}

/** A plain array as float32. Without a known `dim` it is one row. */
function readNumbers(argument: string, x: unknown, dim: number | undefined): Float32Array {
  if (!Array.isArray(x)) throw argumentError(argument, show(x), NUMBERS)
  const values = new Float32Array(x.length)
  fill(values, 0, x, argument, dim || x.length)
  return values
}

/** Copy the numbers of a plain array to `values` from `start` on; a hole or anything but a number is refused. */
function fill(values: Rows['values'], start: number, numbers: readonly unknown[], argument: string, dim: number): void {
  for (let j = 0; j < numbers.length; j++) {
    const value = numbers[j]
    if (typeof value !== 'number') {
      const received = j in numbers ? show(value) : 'a hole'
      const at = start + j
      throw argumentError(argument, `${received} at row ${Math.floor(at / dim)}, column ${at % dim}`, 'numbers')
    }
    values[start + j] = value
  }
}
