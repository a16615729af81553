import { argumentError, show } from './errors.js'

/** An options object: undefined, or an object with these keys only. */
export function checkOptions<T extends object>(
  argument: string,
  options: T | undefined,
  known: readonly string[],
): Partial<T> {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw argumentError(argument, show(options), 'an object or undefined')
  }
  // Not Object.keys, which makes a list at each call.
  for (const key in options) {
    if (known.includes(key) || !Object.hasOwn(options, key)) continue
    const meant = nearest(key, known)
    const hint = meant === undefined ? '' : ` (did you mean ${JSON.stringify(meant)}?)`
    throw argumentError(argument, `the unknown key ${show(key)}`, `${known.join(', ')}${hint}`)
  }
  return options
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** These fields without those that are undefined, for objects whose optional fields are there or not. */
export function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>
}

/** The known word that a mistyped one most likely stands for. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  let best: string | undefined
  let bestEdits = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const edits = editDistance(plain(word), plain(candidate))
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + change))
    }
    row = next
  }
  return row[b.length]!
}

/** An integer in a range, or undefined. */
export function optionalInteger(argument: string, value: unknown, min: number, max: number): number | undefined {
  return value === undefined ? undefined : integer(argument, value, min, max)
}

/** An integer in a range. */
export function integer(argument: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw argumentError(argument, show(value), `an integer from ${min} to ${max}`)
  }
  return value
}

/** A finite number above 0, or undefined. */
export function optionalPositive(argument: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !(value > 0) || value === Infinity) {
    throw argumentError(argument, show(value), 'a finite number above 0')
  }
  return value
}

/** A finite number. */
export function finite(argument: string, value: unknown, allowed: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw argumentError(argument, show(value), allowed)
  return value
}

/** True or false; false when left out. */
export function flag(argument: string, value: unknown): boolean {
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw argumentError(argument, show(value), 'true or false')
  return value
}

/** One of a few words. */
export function oneOf<T extends string>(argument: string, value: unknown, words: readonly T[], fallback: T): T {
  if (value === undefined) return fallback
  if (!words.includes(value as T)) {
    throw argumentError(argument, show(value), words.map((word) => JSON.stringify(word)).join(' or '))
  }
  return value as T
}

/** An AbortSignal or undefined. Another realm's or a polyfill's will do. */
export function optionalSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  const signal = value as Partial<AbortSignal> | null
  if (
    typeof signal !== 'object' ||
    signal === null ||
    typeof signal.aborted !== 'boolean' ||
    typeof signal.addEventListener !== 'function'
  ) {
    throw argumentError('signal', show(value), 'an AbortSignal')
  }
  return signal as AbortSignal
}

/** A function or undefined. */
export function optionalFunction<F>(argument: string, value: F | undefined): F | undefined {
  if (value !== undefined && typeof value !== 'function') throw argumentError(argument, show(value), 'a function')
  return value
}

/** How many neighbours, candidates and the like may be asked for: what an id can count. */
export const MAX_COUNT = 2 ** 32 - 2
