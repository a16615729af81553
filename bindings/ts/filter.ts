import { argumentError, show } from './errors.js'
import { checkOptions } from './options.js'
import { isDetached, isShared, typeName } from './vectors.js'

/**
 * Ids of points: listed, in any order, or as one bit an id: bit `id % 8`, the lowest first, of byte `id >> 3` of a
 * `Uint8Array`. Ids that no point has, and those behind the last byte, are no error.
 */
export type Ids = Uint32Array | readonly number[] | Uint8Array

/** Points that may be returned, or that must not be. */
export type Filter = { allow: Ids; deny?: never } | { deny: Ids; allow?: never }

/** @internal A filter as the native side takes it. */
export interface CheckedFilter {
  ids: Uint32Array | Uint8Array | undefined
  deny: boolean
}

const MAX_ID = 2 ** 32 - 1
const NONE: CheckedFilter = { ids: undefined, deny: false }

/** @internal A filter or undefined. The ids are read once, when the call is made. */
export function readFilter(filter: unknown): CheckedFilter {
  if (filter === undefined) return NONE
  const { allow, deny } = checkOptions<{ allow?: unknown; deny?: unknown }>('filter', filter as object, ['allow', 'deny'])
  if ((allow === undefined) === (deny === undefined)) {
    throw argumentError('filter', allow === undefined ? 'neither allow nor deny' : 'both allow and deny', 'one of the two')
  }
  return allow === undefined
    ? { ids: readIds('filter.deny', deny), deny: true }
    : { ids: readIds('filter.allow', allow), deny: false }
}

function readIds(argument: string, ids: unknown): Uint32Array | Uint8Array {
  switch (typeName.call(ids)) {
    case 'Uint32Array':
      return owned(argument, ids as Uint32Array, Uint32Array)
    case 'Uint8Array':
      return owned(argument, ids as Uint8Array, Uint8Array)
  }
  if (!Array.isArray(ids)) {
    throw argumentError(argument, show(ids), 'a Uint32Array or array of ids, or a Uint8Array with one bit an id')
  }
  const checked = new Uint32Array(ids.length)
  for (let place = 0; place < ids.length; place++) {
    const id: unknown = ids[place]
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > MAX_ID) {
      throw argumentError(argument, `${show(id)} at place ${place}`, `ids, integers from 0 to ${MAX_ID}`)
    }
    checked[place] = id
  }
  return checked
}

/** The same ids in memory that no other thread can write to. */
function owned<T extends Uint32Array | Uint8Array>(argument: string, ids: T, Values: new (ids: T) => T): T {
  if (ids.length === 0 && isDetached(ids.buffer)) {
    throw argumentError(argument, 'an array whose buffer is detached', 'ids with their memory in place')
  }
  return isShared(ids) ? new Values(ids) : ids
}
