import { call } from './calls.js'
import { native } from './native.js'
import { checkOptions, integer } from './options.js'

/** What nearhash runs with. */
export interface Runtime {
  /** Version of the package. */
  version: string
  /**
   * Instruction set in use, the best that the CPU has: `'avx512vnni'`, `'avx512'`, `'avx2'` or `'portable'` on x64,
   * `'neondot'` (NEON and dot products of bytes), `'neon'` or `'portable'` on arm64. The environment variable
   * NEARHASH_CPU may name a lesser one. Answers don't depend on it.
   */
  cpu: string
  /** Threads of the pool that heavy calls share. */
  threads: number
}

/** Settings of the whole process. */
export interface Configuration {
  /** Threads of the pool that heavy calls share, 1 to 1024. Answers don't depend on it. */
  threads?: number
}

/**
 * What nearhash runs with.
 *
 * @example
 * const { version, cpu, threads } = runtime()
 * console.log(`nearhash ${version} with ${cpu} and ${threads} threads`)
 * // for instance: nearhash 0.1.0 with avx2 and 8 threads
 */
export function runtime(): Runtime {
  return call(() => native.runtime())
}

/**
 * Settings of the whole process, its worker threads included. The number of threads is, in this order: what was said
 * here last, the environment variable NEARHASH_THREADS, as many as the machine can run at once. Work under way goes on
 * with the threads it has.
 *
 * @example
 * configure({ threads: 2 })
 * console.log(runtime().threads)
 * // 2
 */
export function configure(options: Configuration): void {
  const { threads } = checkOptions('options', options, ['threads'])
  if (threads !== undefined) native.configure(integer('threads', threads, 1, native.maxThreads()))
}
