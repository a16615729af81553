import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { parse, CsvError } from 'csv-parse'
import { DataError } from './data-error.mjs'

/** @typedef {import('./collection.mjs').Collection} Collection */

/**
 * Streams a `.csv` file of numbers, one point a line, with or without a line of column names.
 * Fields are parted by commas, semicolons or tabs, whichever the first line has.
 * The first line counts as names when it holds text that is no number.
 *
 * @param {string} path
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<Collection>} double precision
 * @throws {DataError} with the line at fault: a missing or bad number, or a line of another length
 */
export async function readCsv(path, { signal } = {}) {
  const parser = parse({
    bom: true,
    delimiter: await findDelimiter(path),
    info: true,
    // Off, so that a line of another length is reported here in one wording, with both lengths.
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  })
  // Errors of the file reach the loop below through the parser.
  pipeline(createReadStream(path, { signal }), parser, () => {})

  const numbers = new GrowingArray()
  let dim = 0
  let header = false
  let firstLine = true
  try {
    for await (const { record, info } of parser) {
      /** @type {string[]} */
      const fields = record
      if (firstLine) {
        firstLine = false
        dim = fields.length
        header = fields.some(isName)
        if (header) continue
      }
      if (fields.length !== dim) {
        throw new DataError(`${path}: line ${info.lines} has ${fields.length} field${fields.length === 1 ? '' : 's'}, the first line has ${dim}`)
      }
      const values = numbers.reserve(dim)
      for (let column = 0; column < dim; column++) {
        const value = toNumber(fields[column])
        if (!Number.isFinite(value)) {
          const found = fields[column] === '' ? 'an empty field' : JSON.stringify(fields[column])
          throw new DataError(`${path}: line ${info.lines}, column ${column + 1}: ${found} is not a finite number`)
        }
        values[column] = value
      }
    }
  } catch (error) {
    if (error instanceof CsvError) throw new DataError(`${path}: ${error.message}`, { cause: error })
    throw error
  }
  const data = numbers.take()
  return { path, data, shape: [dim === 0 ? 0 : data.length / dim, dim], type: 'csv', header }
}

/** @param {string} field as written @returns {number} NaN when it isn't one */
function toNumber(field) {
  // Number('') is 0, and Number('0x10') 16: neither is meant by a file of numbers.
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(field) ? Number(field) : Number.NaN
}

/** @param {string} field @returns {boolean} whether it reads as a column's name rather than as a missing number */
function isName(field) {
  return field !== '' && Number.isNaN(toNumber(field)) && !/^[+-]?(nan|na|null|inf|infinity)$/i.test(field)
}

/** @param {string} path @returns {Promise<string>} */
async function findDelimiter(path) {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(65536) })
    const [firstLine] = buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)
    return ['\t', ';'].find((delimiter) => firstLine.includes(delimiter)) ?? ','
  } finally {
    await file.close()
  }
}

/** Doubles of which nobody knows beforehand how many will come. */
class GrowingArray {
  #values = new Float64Array(1024)
  #length = 0

  /** @param {number} count @returns {Float64Array} a window on the next `count` places */
  reserve(count) {
    const end = this.#length + count
    if (end > this.#values.length) {
      const larger = new Float64Array(Math.max(end, 2 * this.#values.length))
      larger.set(this.#values.subarray(0, this.#length))
      this.#values = larger
    }
    const window = this.#values.subarray(this.#length, end)
    this.#length = end
    return window
  }

  /** @returns {Float64Array} */
  take() {
    return this.#values.slice(0, this.#length)
  }
}
