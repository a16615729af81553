import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { Cancellable } from './calls.js'
import { argumentError, show } from './errors.js'
import { checkOptions, optionalSignal } from './options.js'

/** The bytes of a file. Rejects with Node's own error when it can't be read. */
export function readModelFile(path: string, options: Cancellable | undefined): Promise<Uint8Array> {
  const signal = readSignal(options)
  return unlessAborted(signal, readFile(checkPath(path), { signal }))
}

/** Write a file that is complete or not there: it is written beside and then renamed. */
export async function writeModelFile(path: string, bytes: Uint8Array, options: Cancellable | undefined): Promise<void> {
  const signal = readSignal(options)
  const beside = `${checkPath(path)}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await unlessAborted(signal, writeFile(beside, bytes, { signal, flush: true }))
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

function readSignal(options: Cancellable | undefined): AbortSignal | undefined {
  return optionalSignal(checkOptions('options', options, ['signal']).signal)
}

/** A promise of Node's, which rejects with an error of its own for an aborted signal, with the signal's reason. */
async function unlessAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  }
}

function checkPath(path: unknown): string {
  if (typeof path !== 'string' || path === '') throw argumentError('path', show(path), 'the path of a file')
  return path
}
