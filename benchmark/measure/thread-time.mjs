import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

const FILE = '/proc/thread-self/schedstat'

/** Whether {@link threadTime} counts only this thread's own work. */
export const isThreadTimeKnown = threadNanoseconds() !== undefined

/** @returns {number} nanoseconds that this thread has worked, where Linux tells it; else the clock's */
export function threadTime() {
  return threadNanoseconds() ?? performance.now() * 1e6
}

/** @returns {number | undefined} */
function threadNanoseconds() {
  try {
    const [worked] = readFileSync(FILE, 'utf8').split(' ')
    return Number(worked)
  } catch {
    return undefined
  }
}
