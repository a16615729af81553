// CHANGELOG.md at a release: what stands under Unreleased becomes the section of a version.

import { StepError } from './command.mjs'

const UNRELEASED = /^## \[?Unreleased\]?[ \t]*$/m

/**
 * The text under Unreleased.
 *
 * @param {string} changelog
 * @returns {string} without blank lines at its ends
 * @throws {StepError} when there is no such section, or nothing is listed in it
 */
export function unreleasedNotes(changelog) {
  const { notes } = split(changelog)
  // Headings alone ("### Added") tell nobody anything.
  const said = notes.replace(/^#+ .*$/gm, '').replace(/<!--[\s\S]*?-->/g, '')
  if (said.trim() === '') throw new StepError('CHANGELOG.md lists nothing under "## Unreleased"')
  return notes
}

/**
 * The changelog after a release: an empty Unreleased section above that of the version.
 *
 * @param {string} changelog
 * @param {string} version
 * @param {string} date as 2026-01-31
 * @returns {string}
 * @throws {StepError} as `unreleasedNotes` does, and when the version has a section already
 */
export function releaseNotes(changelog, version, date) {
  const notes = unreleasedNotes(changelog)
  if (sectionOf(changelog, version) !== undefined) {
    throw new StepError(`CHANGELOG.md has a section for ${version} already`)
  }
  const { before, after } = split(changelog)
  const rest = after === '' ? '' : `\n${after}`
  return `${before}## Unreleased\n\n## ${version} - ${date}\n\n${notes}\n${rest}`
}

/**
 * The text under a version's heading, or undefined when it has none.
 *
 * @param {string} changelog
 * @param {string} version
 */
export function sectionOf(changelog, version) {
  const sections = changelog.split(/^(?=## )/m)
  const wanted = sections.find((section) => {
    const heading = /^## \[?([^\s\]]+)\]?/.exec(section)?.[1]
    return heading === version
  })
  return wanted?.slice(wanted.indexOf('\n') + 1).trim()
}

/** @param {string} changelog */
function split(changelog) {
  const heading = UNRELEASED.exec(changelog)
  if (heading === null) throw new StepError('CHANGELOG.md has no section "## Unreleased"')
  const start = heading.index + heading[0].length
  const next = /^## /m.exec(changelog.slice(start))
  const end = next === null ? changelog.length : start + next.index
  return {
    before: changelog.slice(0, heading.index),
    notes: changelog.slice(start, end).trim(),
    after: changelog.slice(end),
  }
}
