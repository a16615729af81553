import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from './command.mjs'

const FOLDER = join(ROOT, 'node_modules', '.cache', 'nearhash')

/**
 * Hash of the contents of files and folders, and of anything else that matters. Contents, not times: a fresh clone has
 * new times, and so has a switched branch.
 *
 * @param {readonly string[]} paths relative to the repository's folder; what doesn't exist counts as empty
 * @param {...string} more
 * @returns {string}
 */
export function hashOf(paths, ...more) {
  const hash = createHash('sha256')
  for (const path of paths) add(hash, path)
  for (const text of more) hash.update(`\0${text}`)
  return hash.digest('hex')
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} path
 */
function add(hash, path) {
  const full = join(ROOT, path)
  const stat = statSync(full, { throwIfNoEntry: false })
  if (stat?.isDirectory()) {
    for (const name of readdirSync(full).sort()) add(hash, `${path}/${name}`)
  } else if (stat?.isFile()) {
    hash.update(`\0${path}\0`).update(readFileSync(full))
  }
}

/**
 * Whether the step was last done with inputs of this hash.
 *
 * @param {string} step
 * @param {string} hash
 */
export function isStamped(step, hash) {
  try {
    return readFileSync(join(FOLDER, step), 'utf8') === hash
  } catch {
    return false
  }
}

/**
 * Remember that the step was done with inputs of this hash.
 *
 * @param {string} step
 * @param {string} hash
 */
export function stamp(step, hash) {
  const file = join(FOLDER, step)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, hash)
}
