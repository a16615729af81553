/** The data a person gave can't be used; the message says which file, where in it, and why. */
export class DataError extends Error {
  /** @override */
  name = 'DataError'
}
