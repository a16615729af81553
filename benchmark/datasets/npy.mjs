import { readFile, writeFile } from 'node:fs/promises'
import { parse } from 'npyjs'
import { DataError } from './data-error.mjs'

/** @typedef {import('./collection.mjs').NumberArray} NumberArray */
/** @typedef {import('./collection.mjs').Collection} Collection */

const READABLE = 'int8, uint8, int16, uint16, int32, uint32, int64, uint64, float16, float32 and float64'

/**
 * Reads a two-dimensional `.npy` file as rows x columns in row-major order, whatever order it was
 * saved in. The element type is kept, but for 64-bit integers, which become doubles if none is
 * too large for that.
 *
 * @param {string} path
 * @returns {Promise<Collection>}
 * @throws {DataError} when the file isn't .npy, is cut short, or doesn't hold a matrix of numbers
 */
export async function readNpy(path) {
  const file = await readFile(path)
  let array
  try {
    // npyjs takes views on the buffer, so the buffer must begin where the file does.
    const buffer = file.byteOffset === 0 && file.byteLength === file.buffer.byteLength
      ? file.buffer
      : file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength)
    array = parse(/** @type {ArrayBuffer} */ (buffer))
  } catch (error) {
    throw new DataError(`${path}: can't be read as .npy: ${explain(error)}`, { cause: error })
  }

  const { shape, dtype, fortranOrder } = array
  if (shape.length !== 2) {
    throw new DataError(`${path}: has ${shape.length} dimension${shape.length === 1 ? '' : 's'} (${shape.join(' x ')}); a matrix of rows x columns is needed`)
  }
  const [rows, dim] = shape
  const raw = asNumbers(path, array.data, dtype)
  // npyjs reads to the end of the file and leaves the comparison with the shape to its caller.
  if (raw.length !== rows * dim) {
    throw new DataError(`${path}: is damaged: its header says ${rows} x ${dim}, but it holds ${raw.length} numbers`)
  }
  const data = fortranOrder ? columnsToRows(raw, rows, dim) : raw
  return { path, data, shape: [rows, dim], type: dtype, header: false }
}

/** @type {readonly [new (length: number) => NumberArray, string][]} */
const DESCRIPTIONS = [
  [Float32Array, '<f4'], [Float64Array, '<f8'], [Uint8Array, '|u1'], [Uint8ClampedArray, '|u1'], [Int8Array, '|i1'],
  [Uint16Array, '<u2'], [Int16Array, '<i2'], [Uint32Array, '<u4'], [Int32Array, '<i4'],
]

/**
 * Writes a matrix as numpy's `save` does: version 1.0, row-major, in its own type.
 *
 * @param {string} path
 * @param {{ data: NumberArray, shape: [rows: number, dim: number] }} matrix
 */
export async function writeNpy(path, { data, shape: [rows, dim] }) {
  const description = DESCRIPTIONS.find(([type]) => data instanceof type)?.[1]
  const dictionary = `{'descr': '${description}', 'fortran_order': False, 'shape': (${rows}, ${dim}), }`
  // Magic, version and length are 10 bytes; all of it is a multiple of 64 and ends with a newline.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${dictionary.padEnd(length - 1)}\n`, 'latin1')
  header.writeUInt16LE(length, 8)
  await writeFile(path, [header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])
}

/**
 * @param {string} path
 * @param {unknown} data
 * @param {string} dtype
 * @returns {NumberArray}
 */
function asNumbers(path, data, dtype) {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const numbers = Float64Array.from(data, Number)
    const tooLarge = numbers.findIndex((value) => !Number.isSafeInteger(value))
    if (tooLarge !== -1) throw new DataError(`${path}: holds ${data[tooLarge]}, a 64-bit integer too large to be read exactly`)
    return numbers
  }
  const isNumeric = ArrayBuffer.isView(data) && !(data instanceof DataView) && /^[iuf][1248]$/.test(dtype)
  if (!isNumeric) throw new DataError(`${path}: has elements of type ${dtype}; readable are ${READABLE}`)
  return /** @type {NumberArray} */ (data)
}

/**
 * @param {NumberArray} columns column after column, as Fortran orders them
 * @param {number} rows
 * @param {number} dim
 * @returns {NumberArray} row after row
 */
function columnsToRows(columns, rows, dim) {
  const result = columns.slice()
  for (let column = 0; column < dim; column++) {
    for (let row = 0; row < rows; row++) result[row * dim + column] = columns[column * rows + row]
  }
  return result
}

/** @param {unknown} error what npyjs or a typed array threw */
function explain(error) {
  const message = error instanceof Error ? error.message : String(error)
  if (/Not an \.npy file|Malformed/.test(message)) return message.toLowerCase()
  if (/Unsupported dtype/.test(message)) return `${message.toLowerCase()} (readable are ${READABLE}, little endian)`
  return `the file is cut short or its header is damaged (${message})`
}
