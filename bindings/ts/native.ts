import { createRequire } from 'node:module'
import type * as Binding from '#binding'
import { NearhashError } from './errors.js'

export type { Control, LshIndex, RawNeighbors, RawPredictions } from '#binding'

/** The native add-on. */
export const native = load()

function load(): typeof Binding {
  let binding: typeof Binding
  try {
    // Not a static import: its failure could not be explained.
    binding = createRequire(import.meta.url)('#binding') as typeof Binding
  } catch (cause) {
    throw new NearhashError(
      {
        code: 'ERR_NEARHASH_LOAD',
        argument: 'nearhash',
        received: platform(),
        allowed: 'a platform that the native add-on was built for',
        message:
          `the native add-on of nearhash could not be loaded on ${platform()}. ` +
          'In an installed package, remove node_modules and the lockfile and install again on this machine. ' +
          'In a clone of the repository, run "npm run build", which needs stable Rust from https://rustup.rs. ' +
          'With a bundler, mark "nearhash" as external.',
      },
      { cause },
    )
  }
  const threads = process.env['NEARHASH_THREADS']
  if (threads !== undefined && threads !== '') binding.setThreadsVariable(threads)
  return binding
}

/** Platform, architecture and C library, as npm names them. */
function platform(): string {
  const { platform, arch } = process
  if (platform !== 'linux') return `${platform}-${arch}`
  // Reading the report is slow where it would look up hosts.
  const report = process.report as typeof process.report & { excludeNetwork?: boolean }
  report.excludeNetwork = true
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  return `${platform}-${arch}-${header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`
}
