// Which Java is on this machine. Search engines are choosy: old ones need what new Java has lost, new ones what old Java
// does not have yet.

import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

/**
 * An installed Java.
 *
 * @typedef {object} Java
 * @property {string} home
 * @property {number} major 17 for instance
 * @property {boolean} compiler it has javac: a JDK and not only what runs programs
 */

/**
 * What a program needs of Java.
 *
 * @typedef {object} JavaNeeds
 * @property {number} from oldest major version
 * @property {number} [to] newest major version
 * @property {boolean} [compiler]
 */

/** Folders whose entries are homes of Java, as packages of systems and tools lay them out. */
const SHELVES = ['/usr/lib/jvm', '/usr/java', '/opt/java', '/Library/Java/JavaVirtualMachines', join(homedir(), '.sdkman/candidates/java')]

/**
 * Every Java that is found: that of JAVA_HOME, the one on the path, those of JAVA_HOME_21_X64 and the like, then those
 * in the usual places, older ones first.
 *
 * @returns {Java[]}
 */
export function installedJava() {
  const { JAVA_HOME, PATH = '', ...rest } = process.env
  const onPath = PATH.split(delimiter).map((folder) => join(folder, 'java')).find((file) => existsSync(file))
  const named = Object.keys(rest).filter((name) => /^JAVA_HOME_\d/.test(name)).map((name) => rest[name])
  const shelved = SHELVES.flatMap((shelf) => entriesOf(shelf).flatMap((name) => [join(shelf, name), join(shelf, name, 'Contents', 'Home')]))
  // The command on the path is a link into its home's bin folder.
  const first = [JAVA_HOME, onPath === undefined ? undefined : dirname(dirname(realOf(onPath)))]
  const others = [...named, ...shelved].map((home) => javaIn(home)).filter((java) => java !== undefined)
  const all = [...first.map((home) => javaIn(home)).filter((java) => java !== undefined), ...others.sort((a, b) => a.major - b.major)]
  return all.filter(({ home }, i) => all.findIndex((java) => java.home === home) === i)
}

/**
 * The first that will do.
 *
 * @param {JavaNeeds} needs
 * @param {readonly Java[]} [among] default: every installed one
 * @returns {Java | undefined}
 */
export function findJava({ from, to = Infinity, compiler = false }, among = installedJava()) {
  return among.find((java) => java.major >= from && java.major <= to && (java.compiler || !compiler))
}

/** @param {JavaNeeds} needs */
export function describeNeeds({ from, to, compiler = false }) {
  return `${compiler ? 'a JDK of ' : ''}Java ${from}${to === undefined ? ' or later' : ` to ${to}`}`
}

/**
 * @param {string | undefined} home
 * @returns {Java | undefined}
 */
function javaIn(home) {
  if (!home || !existsSync(join(home, 'bin', 'java'))) return undefined
  try {
    // Every Java from 9 on says here what it is: JAVA_VERSION="17.0.15"
    const major = Number(/^JAVA_VERSION="(\d+)/m.exec(readFileSync(join(home, 'release'), 'utf8'))?.[1])
    return Number.isInteger(major) ? { home: realOf(home), major, compiler: existsSync(join(home, 'bin', 'javac')) } : undefined
  } catch {
    return undefined
  }
}

/** @param {string} folder */
function entriesOf(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** @param {string} path */
function realOf(path) {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
