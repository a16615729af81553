import { DataError } from './datasets/data-error.mjs'

/** The command was called in a way it can't follow; the message says which option, what it got and what it takes. */
export class UsageError extends Error {
  /** @override */
  name = 'UsageError'
}

/** What a shell expects of a process that Ctrl-C or a polite kill ended: 128 + the signal's number. */
const EXIT_CODES = Object.freeze({ SIGINT: 130, SIGTERM: 143 })

/** @type {Readonly<Record<string, string>>} what the system's codes mean to a person */
const FILE_FAULTS = Object.freeze({
  ENOENT: 'no such file or folder',
  EISDIR: 'a folder, where a file is needed',
  ENOTDIR: 'a file, where a folder is needed',
  EEXIST: 'a file, where a folder is needed',
  EACCES: 'not allowed to read or write here',
  EPERM: 'not allowed to read or write here',
})

/**
 * Runs a command to its end and sets the exit code: 0 when it went well, 1 when data or work failed,
 * 2 when it was called wrongly, 130 after Ctrl-C. Failures a person can mend are one line on stderr;
 * anything else is a defect of ours and shows its stack.
 *
 * @param {string} name the command as a person types it, named in the error line
 * @param {(signal: AbortSignal) => Promise<number | void>} main gets a signal that Ctrl-C aborts; may return an exit code
 */
export async function runCommand(name, main) {
  const cancellation = new AbortController()
  /** @type {keyof typeof EXIT_CODES | undefined} */
  let stoppedBy
  /** @param {NodeJS.Signals} signal */
  const stop = (signal) => {
    const known = /** @type {keyof typeof EXIT_CODES} */ (signal)
    // A second Ctrl-C means now.
    if (stoppedBy) process.exit(EXIT_CODES[known])
    stoppedBy = known
    cancellation.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  // Whoever reads the output may have read enough; the results are still written.
  process.stdout.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'EPIPE') throw error
  })
  try {
    process.exitCode = (await main(cancellation.signal)) ?? 0
  } catch (error) {
    if (stoppedBy) {
      process.stderr.write(`${name}: cancelled\n`)
      process.exitCode = EXIT_CODES[stoppedBy]
    } else {
      process.stderr.write(`${describeFailure(name, error)}\n`)
      process.exitCode = error instanceof UsageError ? 2 : 1
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

/** @param {string} name @param {unknown} error @returns {string} */
function describeFailure(name, error) {
  if (!(error instanceof Error)) return `${name}: ${String(error)}`
  if (error instanceof UsageError) return `${name}: ${oneLine(error)} (${name} -- --help)`
  const code = 'code' in error ? String(error.code) : ''
  const fileFault = FILE_FAULTS[code]
  if (fileFault !== undefined && 'path' in error) return `${name}: ${String(error.path)}: ${fileFault}`
  const isMendable = error instanceof DataError || 'syscall' in error || code.startsWith('ERR_NEARHASH_') || code === 'ERR_FS_FILE_TOO_LARGE'
  return isMendable && code !== 'ERR_NEARHASH_INTERNAL' ? `${name}: ${oneLine(error)}` : `${name}: ${error.stack}`
}

/** @param {Error} error */
function oneLine(error) {
  return error.message.replaceAll(/\s*\n\s*/g, ' ')
}

/**
 * @param {string} option as typed, such as '--seed'
 * @param {string} text
 * @param {{ from: number, to: number }} range
 * @returns {number}
 * @throws {UsageError}
 */
export function parseInteger(option, text, { from, to }) {
  const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN
  if (!(value >= from && value <= to)) {
    throw new UsageError(`${option} ${JSON.stringify(text)}: a whole number from ${from} to ${to} is needed`)
  }
  return value
}

/**
 * @param {string} option
 * @param {string} text whole numbers parted by commas
 * @param {{ from: number, to: number }} range
 * @returns {number[]} ascending, each once
 * @throws {UsageError}
 */
export function parseIntegers(option, text, range) {
  const values = text.split(',').map((part) => {
    try {
      return parseInteger(option, part, range)
    } catch {
      throw new UsageError(`${option} ${JSON.stringify(text)}: whole numbers from ${range.from} to ${range.to}, parted by commas, are needed`)
    }
  })
  return [...new Set(values)].sort((a, b) => a - b)
}

/**
 * `parseArgs` of node:util with its errors in the wording of this command.
 *
 * @template Result
 * @param {() => Result} parse
 * @returns {Result}
 * @throws {UsageError}
 */
export function refuseUnknownArguments(parse) {
  try {
    return parse()
  } catch (error) {
    const isOurs = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
    if (!isOurs) throw error
    // The first sentence says what is wrong; the others explain how shells and dashes work.
    const [sentence] = error.message.split(/\.\s+(?=[A-Z])/)
    throw new UsageError(sentence.replace(/^./, (letter) => letter.toLowerCase()), { cause: error })
  }
}
