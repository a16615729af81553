/** A rival can't run here; the message says what is missing. */
export class Unavailable extends Error {
  /** @override */
  name = 'Unavailable'
}
