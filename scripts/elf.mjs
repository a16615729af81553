// What a Linux add-on asks of its system, read from the ELF file itself: objdump need not be there.
// node scripts/elf.mjs <file>...: print it, and fail where it is newer than the baseline.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The oldest glibc that release builds run on. */
export const GLIBC_BASELINE = '2.17'

const SHT_GNU_VERNEED = 0x6ffffffe

const SHT_SYMTAB = 2

/**
 * @typedef {object} Section
 * @property {number} type
 * @property {number} offset in the file
 * @property {number} link index of the section that belongs to it
 * @property {number} entries what the section itself calls sh_info
 */

/**
 * @param {string} file
 * @param {Buffer} bytes
 * @returns {Section[]}
 */
function sectionsOf(file, bytes) {
  if (bytes.toString('latin1', 0, 4) !== '\x7fELF' || bytes[4] !== 2 || bytes[5] !== 1) {
    throw new Error(`${file} is not a 64-bit little-endian ELF file`)
  }
  const [start, size, count] = [Number(bytes.readBigUInt64LE(0x28)), bytes.readUInt16LE(0x3a), bytes.readUInt16LE(0x3c)]
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 0x18)),
      link: bytes.readUInt32LE(at + 0x28),
      entries: bytes.readUInt32LE(at + 0x2c),
    }
  })
}

/**
 * Whether the symbols that only debuggers want are gone.
 *
 * @param {string} file a 64-bit little-endian ELF file
 */
export function isStripped(file) {
  return !sectionsOf(file, readFileSync(file)).some(({ type }) => type === SHT_SYMTAB)
}

/**
 * Highest `GLIBC_x.y` among the versions an ELF file needs; undefined when it needs none.
 *
 * @param {string} file a 64-bit little-endian ELF file
 * @returns {string | undefined}
 */
export function glibcNeededBy(file) {
  const bytes = readFileSync(file)
  const sections = sectionsOf(file, bytes)
  let highest
  for (const needs of sections) {
    if (needs.type !== SHT_GNU_VERNEED) continue
    const names = sections[needs.link]?.offset ?? 0
    let library = needs.offset
    for (let n = 0; n < needs.entries; n++) {
      let version = library + bytes.readUInt32LE(library + 8)
      for (let v = 0; v < bytes.readUInt16LE(library + 2); v++) {
        const name = names + bytes.readUInt32LE(version + 8)
        const text = bytes.toString('latin1', name, bytes.indexOf(0, name))
        // Relative relocations packed this way are understood since 2.36.
        const found = text === 'GLIBC_ABI_DT_RELR' ? '2.36' : /^GLIBC_(\d+(?:\.\d+)+)$/.exec(text)?.[1]
        if (found !== undefined && (highest === undefined || isNewer(found, highest))) highest = found
        version += bytes.readUInt32LE(version + 12)
      }
      library += bytes.readUInt32LE(library + 12)
    }
  }
  return highest
}

/**
 * @param {string} version
 * @param {string} other
 */
export function isNewer(version, other) {
  const [a, b] = [version, other].map((text) => text.split('.').map(Number))
  for (let i = 0; i < Math.max(a?.length ?? 0, b?.length ?? 0); i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return false
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const file of process.argv.slice(2)) {
    const needed = glibcNeededBy(file)
    const fits = needed === undefined || !isNewer(needed, GLIBC_BASELINE)
    process.stdout.write(`${fits ? 'ok  ' : 'FAIL'}  ${basename(file)}: glibc ${needed ?? 'not needed'}, allowed ${GLIBC_BASELINE}\n`)
    if (!fits) process.exitCode = 1
  }
}
