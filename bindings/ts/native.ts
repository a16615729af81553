import { createRequire } from 'node:module'
import type * as Binding from '#binding'
import { loadFailure } from './load-failure.js'

export type { AdaptiveIndex, Control, LshIndex, RawNeighbors, RawPredictions } from '#binding'
export type { ClusterTokens as NativeClusterTokens, LshTokens as NativeLshTokens } from '#binding'

/** The native add-on. */
export const native = load()

function load(): typeof Binding {
  let binding: typeof Binding
  try {
    // Not a static import: its failure could not be explained.
    binding = createRequire(import.meta.url)('#binding') as typeof Binding
  } catch (cause) {
    throw loadFailure(cause, import.meta.url)
  }
  const threads = process.env['NEARHASH_THREADS']
  if (threads !== undefined && threads !== '') binding.setThreadsVariable(threads)
  return binding
}
