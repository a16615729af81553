import { present } from '../options.js'
import { fromServer, isObject, SearchEngineError } from './engine-error.js'
import { isBusy, pause, type RetryOptions } from './retries.js'
import type { EngineReply, EngineTransport } from './transport.js'

/** @internal One action of a bulk request. */
export interface BulkAction {
  /** Its lines, each ended. */
  lines: string
  id: string
}

/** @internal How one action ended. */
export interface BulkOutcome {
  id: string
  status: number
  /** Set when it was refused for good. */
  failure?: SearchEngineError
}

/** @internal */
export interface BulkSender {
  transport: EngineTransport
  index: string
  retries: Required<RetryOptions>
  /** The document was there already, where the action is to create it. */
  existingIsFine?: boolean
  query?: Readonly<Record<string, string | number | boolean>>
  onRetry?: (actions: number) => void
}

/** Everything that is read of an answer; "error" and "status" are those of the whole request. */
const REPLY = 'error,status,errors,took,items.*.error,items.*.status,items.*._id'

/**
 * @internal Send actions until each one is taken or refused for good. What a busy server turned away, whole or one by
 * one, is sent again after a pause; a request that is too long is halved.
 *
 * @returns One outcome for each action, in order.
 * @throws SearchEngineError when the server cannot be reached, stays busy, or refuses everybody (no index, no rights).
 */
export async function sendBulk(
  sender: BulkSender,
  operation: string,
  actions: readonly BulkAction[],
  signal: AbortSignal | undefined,
): Promise<BulkOutcome[]> {
  const outcomes = new Array<BulkOutcome>(actions.length)
  let left = actions.map((_, i) => i)
  for (let attempt = 0; left.length > 0; attempt++) {
    if (attempt > 0) sender.onRetry?.(left.length)
    const sent = left
    let failure: SearchEngineError | undefined
    const reply = await send(sender, sent.map((i) => actions[i]!), signal)
    if (reply instanceof SearchEngineError) {
      failure = reply
    } else if (reply.status === 413) {
      failure = fromServer(operation, reply.status, reply.body)
      if (sent.length === 1) {
        const i = sent[0]!
        outcomes[i] = { id: actions[i]!.id, status: 413, failure }
        break
      }
      const middle = Math.ceil(sent.length / 2)
      for (const half of [sent.slice(0, middle), sent.slice(middle)]) {
        const parts = await sendBulk(sender, operation, half.map((i) => actions[i]!), signal)
        for (const [n, i] of half.entries()) outcomes[i] = parts[n]!
      }
      break
    } else if (isBusy(reply.status)) {
      failure = fromServer(operation, reply.status, reply.body)
    } else if (reply.status >= 300) {
      throw fromServer(operation, reply.status, reply.body)
    } else {
      const items = itemsOf(reply.body)
      if (items.length !== sent.length) {
        throw fromServer(operation, 502, `an answer about ${items.length} of ${sent.length} actions`)
      }
      left = []
      for (const [n, i] of sent.entries()) {
        const { status, error } = items[n]!
        const { id } = actions[i]!
        if (status < 300) outcomes[i] = { id, status }
        // After a lost answer the first attempt may have done it.
        else if (status === 409 && sender.existingIsFine) outcomes[i] = { id, status }
        else if (isBusy(status)) {
          failure = fromServer(`${operation} ${id}`, status, error)
          left.push(i)
        } else {
          const refused = fromServer(`${operation} ${id}`, status, error)
          if (refused.code === 'ERR_NEARHASH_ENGINE_INDEX_MISSING' || refused.code === 'ERR_NEARHASH_ENGINE_UNAUTHORIZED') throw refused
          outcomes[i] = { id, status, failure: refused }
        }
      }
    }
    if (left.length === 0) break
    if (attempt >= sender.retries.attempts) throw failure!
    await pause(attempt, sender.retries, signal)
  }
  return outcomes
}

/** The answer, or the error when there was none. */
async function send(
  { transport, index, query }: BulkSender,
  actions: readonly BulkAction[],
  signal: AbortSignal | undefined,
): Promise<EngineReply | SearchEngineError> {
  try {
    return await transport.request({
      method: 'POST',
      path: `/${index}/_bulk`,
      query: { filter_path: REPLY, ...query },
      ndjson: actions.map(({ lines }) => lines).join(''),
      ...present({ signal }),
    })
  } catch (error) {
    if (error instanceof SearchEngineError && error.code === 'ERR_NEARHASH_ENGINE_CONNECTION') return error
    throw error
  }
}

function itemsOf(body: unknown): { status: number; error: unknown }[] {
  const items = isObject(body) && Array.isArray(body['items']) ? (body['items'] as unknown[]) : []
  return items.map((item) => {
    const [result] = isObject(item) ? Object.values(item) : []
    const { status, error } = isObject(result) ? result : {}
    return { status: typeof status === 'number' ? status : 500, error }
  })
}
