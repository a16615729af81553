import { fromNative } from './errors.js'
import { native, type Control } from './native.js'
import { checkOptions, optionalFunction, optionalSignal } from './options.js'

/** A call that can be stopped. */
export interface Cancellable {
  /**
   * Stops the work, also while it runs or is still waiting for a thread. The promise rejects with `signal.reason`, and
   * what the call was changing is as it was. A signal that comes too late for that changes nothing.
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
  // First of all listeners: one that calls process.exit itself ends the others.
  if (underWay.size === 0) process.prependOnceListener('exit', stopAll)
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
 * @internal A native call that returns a promise and changes nothing: `start` reads the arguments and begins. Whatever
 * is thrown on the way becomes a rejection.
 *
 * Settles as the native promise does; or, when the signal fires or `onProgress` throws before, at once with that reason,
 * while the work is told to stop.
 */
export function ask<O extends Watched, T>(
  options: O | undefined,
  known: readonly string[],
  start: Start<O, T>,
): Promise<T> {
  return work(options, known, start, false)
}

/** @internal The same for a call that changes an index. A signal that fires when the change is made is too late. */
export function change<O extends Watched, T>(
  options: O | undefined,
  known: readonly string[],
  start: Start<O, T>,
): Promise<T> {
  return work(options, known, start, true)
}

type Start<O, T> = (control: Control, options: Partial<O>) => Promise<T>

function work<O extends Watched, T>(
  options: O | undefined,
  known: readonly string[],
  start: Start<O, T> | undefined,
  changes: boolean,
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
    const onAbort = (): void => stop(signal!.reason)
    const stopWatching = (): void => {
      clearInterval(timer)
      timer = undefined
      signal?.removeEventListener('abort', onAbort)
    }
    const stop = (reason: unknown): void => {
      const stopped = control.cancel()
      // The outcome must tell whether the index was changed.
      if (changes && !stopped) return
      stopWatching()
      reject(reason)
    }
    const look = (): void => {
      try {
        onProgress?.(control.progress())
      } catch (error) {
        control.cancel()
        stopWatching()
        reject(error)
      }
    }

    signal?.addEventListener('abort', onAbort, { once: true })
    if (onProgress !== undefined) timer = setInterval(look, PROGRESS_INTERVAL).unref()
    // After a rejection above, what follows changes nothing.
    running.then(
      (result) => {
        leave(control)
        if (timer !== undefined) look()
        stopWatching()
        resolve(result)
      },
      (error) => {
        leave(control)
        stopWatching()
        reject(fromNative(error))
      },
    )
  })
}
