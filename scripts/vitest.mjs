import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runPackage } from './command.mjs'

/**
 * What a run of vitest has counted.
 *
 * @typedef {object} TestCounts
 * @property {boolean} ok it ended well and something passed
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} files
 */

/**
 * Run vitest, with its usual report on the screen.
 *
 * @param {readonly string[]} [args]
 * @param {Record<string, string>} [env] added to the environment
 * @returns {Promise<TestCounts>}
 */
export async function runVitest(args = [], env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'nearhash-vitest-'))
  try {
    const report = join(folder, 'report.json')
    const { ok } = await runPackage(
      'vitest/vitest.mjs',
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
      { output: 'inherit', env },
    )
    const counts = JSON.parse(readFileSync(report, 'utf8'))
    const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped, testResults } = counts
    return { ok: ok && passed > 0, passed, failed, skipped, files: testResults.length }
  } catch {
    // It ended before it could write a report.
    return { ok: false, passed: 0, failed: 0, skipped: 0, files: 0 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {TestCounts} counts */
export function describeCounts({ passed, failed, skipped, files }) {
  return files === 0 ? 'no report' : `${passed} passed, ${failed} failed, ${skipped} skipped, in ${files} files`
}
