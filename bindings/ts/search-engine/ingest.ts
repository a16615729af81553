import { argumentError, NearhashError, show } from '../errors.js'
import { checkOptions, integer, oneOf, optionalFunction, optionalInteger, optionalSignal } from '../options.js'
import { sendBulk, type BulkAction, type BulkSender } from './bulk.js'
import { bulkLines, ownSources, prepare, type EngineDocument, type PreparedDocument } from './documents.js'
import { SearchEngineError } from './engine-error.js'
import type { Model } from './models.js'
import type { RetryOptions } from './retries.js'

/** How far ingestion has come. */
export interface IngestProgress {
  /** Documents read, without those passed over by `resumeFrom`. */
  read: number
  /** Documents that the server has taken. */
  indexed: number
  /** Documents handed to `onDeadLetter`. */
  refused: number
  /** Documents that were sent again, counted each time. */
  retried: number
  /** Bytes of the requests that were answered. */
  bytes: number
  /** Every document before this place of the input is done: where to resume. */
  checkpoint: number
}

/** A document that could not be kept. */
export interface DeadLetter {
  document: EngineDocument
  /** Its place in the input, from 0. */
  offset: number
  /** A {@link SearchEngineError} of the server, or a NearhashError when it could not be encoded. */
  error: NearhashError
}

/** Options of `bulkIngest`. */
export interface IngestOptions {
  /** Most documents in a request; default 1,000. */
  batchDocuments?: number
  /** Most bytes in a request, except for a single document that is longer; default 5,000,000. */
  batchBytes?: number
  /** Requests under way at a time; default 2. Memory is bounded by (concurrency + 2) batches. */
  concurrency?: number
  retries?: RetryOptions
  /**
   * `'index'` (default) replaces a document of the same id, so that sending it twice is harmless. `'create'` leaves it
   * as it is.
   */
  operation?: 'index' | 'create'
  /** Called with each document that is refused for good. Left out: the first one ends the ingestion with its error. */
  onDeadLetter?: (letter: DeadLetter) => void | Promise<void>
  /** Called after every request. */
  onProgress?: (progress: IngestProgress) => void
  /**
   * Called one at a time whenever the checkpoint has moved: every document before it is kept by the server or was
   * handed to `onDeadLetter`. Remember it to go on after a crash.
   */
  onCheckpoint?: (checkpoint: number) => void | Promise<void>
  /** Pass over so many documents at the start of the same input: the checkpoint of an earlier attempt. Default 0. */
  resumeFrom?: number
  /**
   * Turn refreshes and replicas off meanwhile, and back on at the end, also after a failure; a process that was killed
   * puts them back when it is started again. Default false.
   */
  loadMode?: boolean
  /** Make the documents visible at the end; default true. */
  refresh?: boolean
  /** A physical index instead of the current one: to fill the next version before it becomes current. */
  index?: string
  signal?: AbortSignal
}

/** @internal */
export const INGEST_OPTIONS = [
  'batchDocuments',
  'batchBytes',
  'concurrency',
  'retries',
  'operation',
  'onDeadLetter',
  'onProgress',
  'onCheckpoint',
  'resumeFrom',
  'loadMode',
  'refresh',
  'index',
  'signal',
] as const

/** A document on its way. */
interface Underway extends PreparedDocument {
  offset: number
}

/** @internal Send every document; the caller has looked after the index and load mode. */
export async function ingest(
  source: AsyncIterable<EngineDocument> | Iterable<EngineDocument>,
  models: ReadonlyMap<string, Model>,
  sender: BulkSender,
  options: IngestOptions,
): Promise<IngestProgress> {
  const checked = checkOptions('options', options, INGEST_OPTIONS)
  const batchDocuments = optionalInteger('batchDocuments', checked.batchDocuments, 1, 1_000_000) ?? 1000
  const batchBytes = optionalInteger('batchBytes', checked.batchBytes, 1, 2 ** 30) ?? 5_000_000
  const concurrency = optionalInteger('concurrency', checked.concurrency, 1, 1000) ?? 2
  const operation = oneOf('operation', checked.operation, ['index', 'create'] as const, 'index')
  const start = checked.resumeFrom === undefined ? 0 : integer('resumeFrom', checked.resumeFrom, 0, Number.MAX_SAFE_INTEGER)
  const [onDeadLetter, onProgress, onCheckpoint] = [
    optionalFunction('onDeadLetter', checked.onDeadLetter),
    optionalFunction('onProgress', checked.onProgress),
    optionalFunction('onCheckpoint', checked.onCheckpoint),
  ]
  const outer = optionalSignal(checked.signal)
  // One failure stops everything that is under way.
  const stop = new AbortController()
  const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal])

  const progress: IngestProgress = { read: 0, indexed: 0, refused: 0, retried: 0, bytes: 0, checkpoint: start }
  const done = new Checkpoint(start, onCheckpoint)
  const bulk = { ...sender, existingIsFine: operation === 'create', onRetry: (n: number) => void (progress.retried += n) }
  const underway = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  const fail = (error: unknown): void => {
    failure ??= { error }
    stop.abort(error)
  }

  const refuse = async (document: EngineDocument, offset: number, error: NearhashError): Promise<void> => {
    if (onDeadLetter === undefined) throw error
    await onDeadLetter({ document, offset, error })
    progress.refused++
  }

  const sendBatch = async (batch: Underway[], actions: BulkAction[], bytes: number): Promise<void> => {
    const outcomes = await sendBulk(bulk, 'bulk', actions, signal)
    for (const [i, { failure }] of outcomes.entries()) {
      const { document, offset } = batch[i]!
      if (failure === undefined) progress.indexed++
      else await refuse(document, offset, failure)
    }
    progress.bytes += bytes
    await done.finish(batch.map(({ offset }) => offset))
    progress.checkpoint = done.place
    onProgress?.({ ...progress })
  }

  const launch = async (batch: Underway[], actions: BulkAction[], bytes: number): Promise<void> => {
    while (underway.size >= concurrency) await Promise.race(underway)
    signal.throwIfAborted()
    const sending: Promise<void> = sendBatch(batch, actions, bytes)
      .catch(fail)
      .finally(() => underway.delete(sending))
    underway.add(sending)
  }

  const flush = async (group: Underway[]): Promise<void> => {
    const encoded = await encode(group, models, signal)
    let [batch, actions, bytes]: [Underway[], BulkAction[], number] = [[], [], 0]
    for (const [i, one] of group.entries()) {
      const own = encoded[i]!
      let lines: string
      try {
        if (own instanceof NearhashError) throw own
        lines = bulkLines(operation, one.document, own)
      } catch (error) {
        await refuse(one.document, one.offset, asRefusal(one.document, error))
        await done.finish([one.offset])
        continue
      }
      const length = Buffer.byteLength(lines)
      if (batch.length > 0 && bytes + length > batchBytes) {
        await launch(batch, actions, bytes)
        ;[batch, actions, bytes] = [[], [], 0]
      }
      batch.push(one)
      actions.push({ id: one.document.id, lines })
      bytes += length
    }
    if (batch.length > 0) await launch(batch, actions, bytes)
  }

  try {
    let group: Underway[] = []
    let offset = 0
    for await (const document of stoppable(source, signal)) {
      const place = offset++
      if (place < start) continue
      progress.read++
      try {
        group.push({ ...prepare(document, models), offset: place })
      } catch (error) {
        await refuse(document, place, asRefusal(document, error))
        await done.finish([place])
        continue
      }
      if (group.length < batchDocuments) continue
      await flush(group)
      group = []
    }
    if (group.length > 0) await flush(group)
  } catch (error) {
    fail(error)
  }
  await Promise.all(underway)
  if (outer?.aborted) throw outer.reason
  if (failure !== undefined) throw failure.error
  progress.checkpoint = done.place
  return progress
}

/** What a document's own fault was; anything else, such as a JSON cycle, is told in the same shape. */
function asRefusal(document: EngineDocument, error: unknown): NearhashError {
  if (error instanceof NearhashError) return error
  return argumentError('document', `${show(document)}: ${error instanceof Error ? error.message : String(error)}`, 'JSON')
}

/** nearhash's part of each document, or why there is none: when a batch is refused, each one is tried alone. */
async function encode(
  group: readonly Underway[],
  models: ReadonlyMap<string, Model>,
  signal: AbortSignal,
): Promise<(Record<string, unknown> | NearhashError)[]> {
  try {
    return await ownSources(group, models, signal)
  } catch (error) {
    if (!(error instanceof NearhashError)) throw error
    const single: (Record<string, unknown> | NearhashError)[] = []
    for (const one of group) {
      try {
        single.push((await ownSources([one], models, signal))[0]!)
      } catch (error) {
        if (!(error instanceof NearhashError)) throw error
        single.push(error)
      }
    }
    return single
  }
}

/** The input, given up at once when the signal fires, also while it is waiting for its next document. */
async function* stoppable<T>(source: AsyncIterable<T> | Iterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : (source as Iterable<T>)[Symbol.iterator]()
  // Of the step that is waited for. Not one promise for all steps: it would hold on to every document until the end.
  let interrupt: ((reason: unknown) => void) | undefined
  const onAbort = (): void => interrupt?.(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  let finished = false
  try {
    for (;;) {
      signal.throwIfAborted()
      const next = iterator.next()
      const step = isPromise(next)
        ? await new Promise<IteratorResult<T>>((resolve, reject) => {
            interrupt = reject
            next.then(resolve, reject)
          })
        : next
      if (step.done) {
        finished = true
        return
      }
      yield step.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Not awaited: a source that is waiting for something would keep the failure waiting too.
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}

/** The first place of the input that is not done, though batches end in any order. */
class Checkpoint {
  readonly #finished = new Set<number>()
  readonly #tell: ((checkpoint: number) => void | Promise<void>) | undefined
  #telling: Promise<void> = Promise.resolve()
  #told: number
  place: number

  constructor(start: number, tell: ((checkpoint: number) => void | Promise<void>) | undefined) {
    this.place = start
    this.#told = start
    this.#tell = tell
  }

  async finish(offsets: readonly number[]): Promise<void> {
    for (const offset of offsets) this.#finished.add(offset)
    while (this.#finished.delete(this.place)) this.place++
    this.#telling = this.#telling.then(() => this.#say())
    await this.#telling
  }

  async #say(): Promise<void> {
    if (this.#told === this.place) return
    this.#told = this.place
    await this.#tell?.(this.place)
  }
}
