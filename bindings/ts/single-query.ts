import { fromNative } from './errors.js'
import { native } from './native.js'
import { Neighbors } from './results.js'
import { typeName, type NumericArray, type Vectors } from './vectors.js'

/*
 * A single query goes through memory that the native side knows: arguments that it would have to take apart, and
 * arrays that it would have to make, cost more than a fast search. JavaScript runs on one thread in each environment,
 * and a call can't begin within another, so one buffer serves all indexes of the environment.
 */
const { bytes, maxQuery, maxK, settings, query, answer, notAnswered } = native.scratchLayout()
const buffer = new ArrayBuffer(bytes)
/** Values in the query, their type, neighbours wanted; out: neighbours found. */
const head = new Uint32Array(buffer, 0, 4)
const numbers = new Float64Array(buffer, settings, 2)
const floats = new Float32Array(buffer, query, maxQuery)
const small = new Uint8Array(buffer, query, maxQuery)
const middle = new Int16Array(buffer, query, maxQuery)
/** Out: k ids, then their k distances. */
const found = new Uint32Array(buffer, answer, 2 * maxK)
/** Most elements of an array that V8 keeps in its own heap, where a new one costs next to nothing. */
const IN_HEAP = 16
/** Of the answers for each k up to that, ids and distances: to copy a whole array takes two thirds of a slice's time. */
const short = Array.from({ length: IN_HEAP + 1 }, (_, k) => ({
  ids: new Uint32Array(buffer, answer, k),
  distances: new Float32Array(buffer, answer + 4 * k, k),
}))

/** @internal A native index that can be asked this way. */
export interface NativeSearch {
  singleSearch(scratch: ArrayBuffer): () => void
}

/** @internal The single queries of one index. */
export class SingleQueries {
  readonly #search: () => void

  constructor(native: NativeSearch) {
    this.#search = native.singleSearch(buffer)
  }

  /**
   * The answer to a single query in a typed array. Undefined for everything else: several vectors, other types, sizes
   * beyond the buffer's, and whatever is an error. For that there is the general way.
   *
   * @param k Checked.
   * @param first What else the native index is told; NaN says nothing.
   * @param second The same.
   */
  answer(x: Vectors, k: number, first = NaN, second = NaN): Neighbors | undefined {
    if (k > maxK) return undefined
    switch (typeName.call(x)) {
      // What has no type of its own in an index becomes float32 here as it does on the general way.
      case 'Float32Array':
      case 'Float64Array':
      case 'Uint16Array':
      case 'Int32Array':
      case 'Uint32Array':
        if (!write(floats, x as NumericArray, 0)) return undefined
        break
      case 'Uint8Array':
      case 'Uint8ClampedArray':
        if (!write(small, x as NumericArray, 1)) return undefined
        break
      case 'Int8Array':
      case 'Int16Array':
        if (!write(middle, x as NumericArray, 2)) return undefined
        break
      default:
        return undefined
    }
    head[2] = k
    numbers[0] = first
    numbers[1] = second
    try {
      // Without arguments, `this` included.
      const search = this.#search
      search()
    } catch (error) {
      throw fromNative(error)
    }
    const count = head[3]!
    if (count === notAnswered) return undefined
    const counts = new Uint32Array(1)
    counts[0] = count
    if (k <= IN_HEAP) {
      const { ids, distances } = short[k]!
      return new Neighbors({ k, ids: new Uint32Array(ids), distances: new Float32Array(distances), counts })
    }
    // One piece of memory costs half of two.
    const { buffer } = found.slice(0, 2 * k)
    const [ids, distances] = [new Uint32Array(buffer, 0, k), new Float32Array(buffer, 4 * k, k)]
    return new Neighbors({ k, ids, distances, counts })
  }
}

function write(place: Float32Array | Uint8Array | Int16Array, x: NumericArray, kind: number): boolean {
  // A detached array has no length either.
  if (x.length === 0 || x.length > maxQuery) return false
  place.set(x)
  head[0] = x.length
  head[1] = kind
  return true
}
