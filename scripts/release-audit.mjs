// npm run check:audit: known vulnerabilities of what package-lock.json names, but for those that
// scripts/release-audit-allowed.json allows, each with a reason and a day on which it is looked at again.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, runNpm, runScript, say, StepError } from './command.mjs'

/**
 * @typedef {object} Allowed
 * @property {string} advisory such as GHSA-xxxx-xxxx-xxxx
 * @property {string} reason why it does no harm here
 * @property {string} until last day, as 2026-01-31
 */

const FILE = 'scripts/release-audit-allowed.json'

await runScript(async () => {
  /** @type {Allowed[]} */
  const allowed = JSON.parse(readFileSync(process.env['NEARHASH_AUDIT_ALLOWED'] ?? join(ROOT, FILE), 'utf8'))
  const found = await advisories()
  const today = new Date().toISOString().slice(0, 10)
  const complaints = []
  for (const { advisory, reason, until } of allowed) {
    if (!/^GHSA(-[a-z0-9]{4}){3}$/.test(advisory)) complaints.push(`${FILE}: "${advisory}" is no advisory`)
    if (typeof reason !== 'string' || reason.trim().length < 20) complaints.push(`${FILE}: ${advisory} needs a reason that says why it does no harm`)
    if (!/^\d{4}-\d\d-\d\d$/.test(until)) complaints.push(`${FILE}: ${advisory} needs "until", a day like 2026-01-31`)
    else if (until < today) complaints.push(`${FILE}: ${advisory} was allowed until ${until}`)
    if (!found.has(advisory)) complaints.push(`${FILE}: ${advisory} is not reported any more; remove it`)
  }
  for (const [advisory, what] of found) {
    if (!allowed.some((one) => one.advisory === advisory)) complaints.push(`${advisory}: ${what}`)
  }
  if (complaints.length > 0) throw new StepError(complaints.join('\n'))
  say(`no vulnerability is known but ${allowed.length} that are allowed`)
})

/**
 * @returns {Promise<Map<string, string>>} advisory to what it says
 */
async function advisories() {
  const { stdout, output } = await runNpm(['audit', '--json', '--package-lock-only'])
  /** @type {any} */
  let report
  try {
    report = JSON.parse(stdout)
  } catch {
    throw new StepError(`npm audit gave no report:\n${output.trim()}`)
  }
  // A registry that can't answer is no clean bill.
  if (report.vulnerabilities === undefined) {
    throw new StepError(`npm audit could not ask the registry: ${report.message ?? JSON.stringify(report)}`)
  }
  /** @type {Map<string, string>} */
  const found = new Map()
  for (const { via } of Object.values(report.vulnerabilities)) {
    for (const cause of via) {
      if (typeof cause === 'string') continue // another package of this report, which names the advisory itself
      const advisory = /GHSA(-[a-z0-9]{4}){3}/.exec(cause.url)?.[0] ?? String(cause.source)
      found.set(advisory, `${cause.severity}, ${cause.name} ${cause.range}: ${cause.title}`)
    }
  }
  return found
}
