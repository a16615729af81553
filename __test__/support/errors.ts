import { NearhashError } from 'nearhash'
import { expect } from 'vitest'

/** The NearhashError that a call throws, checked for what every one has. */
export function refusal(work: () => unknown): NearhashError {
  try {
    work()
  } catch (error) {
    return complete(error)
  }
  throw new Error('nothing was thrown')
}

/** The NearhashError that a call rejects with. That the call itself threw would be an error. */
export async function rejection(work: () => Promise<unknown>): Promise<NearhashError> {
  const promise = work()
  expect(promise).toBeInstanceOf(Promise)
  const reason = await promise.then(
    () => {
      throw new Error('the promise was fulfilled')
    },
    (error: unknown) => error,
  )
  return complete(reason)
}

function complete(error: unknown): NearhashError {
  if (!(error instanceof NearhashError)) throw error
  expect(error.name).toBe('NearhashError')
  expect(error.code).toMatch(/^ERR_NEARHASH_[A-Z_]+$/)
  expect(error.code).not.toBe('ERR_NEARHASH_INTERNAL')
  for (const part of [error.argument, error.received, error.allowed]) expect(part).not.toBe('')
  expect(error.message).toContain(error.argument)
  expect(error.message).toContain(error.received)
  expect(error.message).toContain(error.allowed)
  return error
}
