import { setTimeout as sleep } from 'node:timers/promises'
import { argumentError, show } from '../errors.js'
import { checkOptions, integer, present } from '../options.js'
import { fromServer, SearchEngineError } from './engine-error.js'
import type { EngineReply, EngineRequest, EngineTransport } from './transport.js'

/** How requests that a busy server turned away are repeated. */
export interface RetryOptions {
  /** Attempts after the first one; default 6. */
  attempts?: number
  /** Longest first pause, milliseconds; it doubles from attempt to attempt. Default 100. */
  firstPause?: number
  /** Longest pause, milliseconds; default 10,000. */
  longestPause?: number
}

const RETRY_OPTIONS = ['attempts', 'firstPause', 'longestPause'] as const

/** @internal */
export function readRetries(options: RetryOptions | undefined, fallback: Required<RetryOptions>): Required<RetryOptions> {
  const { attempts, firstPause, longestPause } = checkOptions('retries', options, RETRY_OPTIONS)
  return {
    attempts: attempts === undefined ? fallback.attempts : integer('attempts', attempts, 0, 100),
    firstPause: milliseconds('firstPause', firstPause, fallback.firstPause),
    longestPause: milliseconds('longestPause', longestPause, fallback.longestPause),
  }
}

function milliseconds(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !(value >= 0)) throw argumentError(name, show(value), 'milliseconds from 0')
  return value
}

/** @internal A server that is busy or starting says one of these. */
export function isBusy(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504
}

/**
 * @internal Pause before an attempt: anything from 0 to the longest, so that many clients don't come back together
 * ("full jitter").
 */
export function pause(attempt: number, { firstPause, longestPause }: Required<RetryOptions>, signal?: AbortSignal): Promise<void> {
  const longest = Math.min(longestPause, firstPause * 2 ** attempt)
  return sleep(Math.random() * longest, undefined, present({ signal })).catch(() => {
    throw signal!.reason
  })
}

/**
 * @internal The answer to a request that may be repeated without harm.
 *
 * @param accepted Statuses besides those below 300 that are answers rather than errors.
 * @throws SearchEngineError for any other answer.
 */
export async function ask(
  transport: EngineTransport,
  operation: string,
  request: EngineRequest,
  retries: Required<RetryOptions>,
  accepted: readonly number[] = [],
): Promise<EngineReply> {
  for (let attempt = 0; ; attempt++) {
    const last = attempt >= retries.attempts
    try {
      const reply = await transport.request(request)
      if (reply.status < 300 || accepted.includes(reply.status)) return reply
      const failure = fromServer(operation, reply.status, reply.body)
      // Shards that are gone do not come back within a few retries.
      if (!isBusy(reply.status) || last || failure.code === 'ERR_NEARHASH_ENGINE_PARTIAL_RESULT') throw failure
    } catch (error) {
      if (!(error instanceof SearchEngineError) || error.code !== 'ERR_NEARHASH_ENGINE_CONNECTION' || last) throw error
    }
    await pause(attempt, retries, request.signal)
  }
}
