/**
 * Every error that nearhash throws or rejects with, except an AbortSignal's own reason.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ERR_NEARHASH_ARGUMENT` | an argument or option is not what is allowed |
 * | `ERR_NEARHASH_NOT_FINITE` | a NaN or an infinity in a vector |
 * | `ERR_NEARHASH_DIMENSION` | vectors of another length than the index holds |
 * | `ERR_NEARHASH_ZERO_VECTOR` | a vector without a direction where the metric is cosine |
 * | `ERR_NEARHASH_NOT_FITTED` | a call that needs points came before `fit` |
 * | `ERR_NEARHASH_UNKNOWN_ID` | no point has this id |
 * | `ERR_NEARHASH_BUSY` | a change while another change of the same index runs |
 * | `ERR_NEARHASH_CANCELLED` | the work was stopped because the process exits |
 * | `ERR_NEARHASH_FORMAT` | bytes or a file that should hold a saved model and do not, or not any more |
 * | `ERR_NEARHASH_DISPOSED` | a call after `dispose` |
 * | `ERR_NEARHASH_LOAD` | the native add-on could not be loaded |
 * | `ERR_NEARHASH_INTERNAL` | a defect of nearhash; please report it |
 *
 * @example
 * try {
 *   new SRP({ nProjections: 65 })
 * } catch (error) {
 *   console.log(error.code, '|', error.message)
 * }
 * // ERR_NEARHASH_ARGUMENT | nProjections: received 65, allowed: an integer from 1 to 64
 */
export class NearhashError extends Error {
  override readonly name = 'NearhashError'
  /** Stable name for programs, `ERR_NEARHASH_...`. */
  readonly code: string
  /** The argument, option or call that the error is about; may be empty. */
  readonly argument: string
  /** What came in, as text. */
  readonly received: string
  /** What would have been accepted, as text. */
  readonly allowed: string

  /** @internal */
  constructor(parts: ErrorParts, options?: ErrorOptions) {
    const { code, argument = '', received = '', allowed = '' } = parts
    super(parts.message ?? `${argument}: received ${received}, allowed: ${allowed}`, options)
    this.code = code
    this.argument = argument
    this.received = received
    this.allowed = allowed
  }
}

/** @internal */
export interface ErrorParts {
  code: string
  argument?: string
  received?: string
  allowed?: string
  message?: string
}

/** @internal The error of a wrong argument. */
export function argumentError(argument: string, received: string, allowed: string): NearhashError {
  return new NearhashError({ code: 'ERR_NEARHASH_ARGUMENT', argument, received, allowed })
}

/** @internal What the native side threw or rejected with, as a NearhashError. */
export function fromNative(error: unknown): unknown {
  if (error instanceof NearhashError) return error
  const text = error instanceof Error ? error.message : String(error)
  let parts: ErrorParts | undefined
  if (text.startsWith('{"')) {
    try {
      parts = JSON.parse(text) as ErrorParts
    } catch {
      // Not ours; it becomes an internal error.
    }
  }
  if (parts === undefined) {
    const message = `internal error of nearhash, please report it: ${text}`
    return new NearhashError({ code: 'ERR_NEARHASH_INTERNAL', message }, { cause: error })
  }
  if (parts.code === 'ERR_NEARHASH_INTERNAL') {
    parts.message = `internal error of nearhash, please report it: ${parts.message}`
    return new NearhashError(parts)
  }
  return new NearhashError(
    Object.fromEntries(Object.entries(parts).map(([key, text]) => [key, inOurWords(text)])) as unknown as ErrorParts,
  )
}

/** The engine's names and numbers as JavaScript writes them: nProjections for n_projections, Infinity for inf. */
function inOurWords(text: string): string {
  if (text.startsWith('ERR_')) return text
  return text
    .replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (name) =>
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    )
    .replace(/\binf\b/g, 'Infinity')
}

/** @internal A value in the words of an error message. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `a string of length ${value.length}` : JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
  }
  if (value === null) return 'null'
  if (Array.isArray(value)) return `an array of length ${value.length}`
  const name: unknown = value!.constructor?.name
  return typeof name === 'string' && name !== '' && name !== 'Object'
    ? `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
    : 'an object'
}
