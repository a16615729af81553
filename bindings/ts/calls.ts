import { fromNative } from './errors.js'
import { native, type Control } from './native.js'
import { checkOptions, optionalFunction, optionalSignal } from './options.js'

/** A call that can be stopped. */
export interface Cancellable {
  /**
   * Stops the work, also while it runs. The promise rejects with `signal.reason`, and what the call was changing stays
   * as it was. A signal that fires when the work is already over changes nothing.
   */
  signal?: AbortSignal
}

/** How far a call has come. */
export interface Progress {
  /** What is being done, for instance `'hash'`. */
  stage: string
  /** Units of the stage that are finished. */
  done: number
  /** Units of the stage in all; 0 before the work has begun. */
  total: number
}

/** @internal Both options of a long call. */
export interface Watched extends Cancellable {
  onProgress?: (progress: Progress) => void
}

/** @internal Milliseconds between two looks at the progress. */
const PROGRESS_INTERVAL = 50

/**
 * @internal Promises whose work is under way.
 *
 * A process that exits waits for libuv's threads, so the work is told to stop; the listener is there only while there
 * is work.
 */
const underWay = new Set<Control>()

function stopAll(): void {
  for (const control of underWay) control.cancel()
}

function enter(control: Control): void {
  if (underWay.size === 0) process.once('exit', stopAll)
  underWay.add(control)
}

function leave(control: Control): void {
  underWay.delete(control)
  if (underWay.size === 0) process.removeListener('exit', stopAll)
}

/** @internal A native call that returns its result. */
export function call<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw fromNative(error)
  }
}

/**
 * @internal A native call that returns a promise: `start` reads the arguments and begins. Whatever is thrown on the way
 * becomes a rejection.
 *
 * Settles as the native promise does; or, when the signal fires or `onProgress` throws while the work runs, at once
 * with that reason, while the work is told to stop.
 */
export function work<O extends Watched, T>(
  options: O | undefined,
  known: readonly string[],
  start: ((control: Control, options: Partial<O>) => Promise<T>) | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const checked: Partial<O> = checkOptions('options', options, known)
    const signal = optionalSignal(checked.signal)
    const onProgress = optionalFunction('onProgress', checked.onProgress)
    if (signal?.aborted) throw signal.reason
    const control = new native.Control()
    const running = call(() => start!(control, checked))
    // The native side has its copy of the vectors; don't keep the caller's alive through the closure.
    start = undefined
    enter(control)

    let timer: NodeJS.Timeout | undefined
    let stopped = false
    const onAbort = (): void => stop(signal!.reason)
    const stopWatching = (): void => {
      clearInterval(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const stop = (reason: unknown): void => {
      // False when the work is over: then its outcome is on the way, and true to the state of the index.
      if (!control.cancel()) return
      stopped = true
      stopWatching()
      reject(reason)
    }

    signal?.addEventListener('abort', onAbort, { once: true })
    if (onProgress !== undefined) {
      const look = (): void => {
        try {
          onProgress(control.progress())
        } catch (error) {
          stop(error)
        }
      }
      timer = setInterval(look, PROGRESS_INTERVAL)
      timer.unref()
    }
    running.then(
      (result) => {
        leave(control)
        stopWatching()
        if (stopped) return
        try {
          onProgress?.(control.progress())
          resolve(result)
        } catch (error) {
          reject(error)
        }
      },
      (error) => {
        leave(control)
        stopWatching()
        reject(fromNative(error))
      },
    )
  })
}
