// The version of a release: which one comes next, and every place that names it. Texts in, texts out.
// Plain Node: a release may start from a fresh clone.

import { StepError } from './command.mjs'

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/

/**
 * The version that a release gets.
 *
 * @param {string} current
 * @param {string} wanted `major`, `minor`, `patch` or a version above the current one
 * @returns {string}
 * @throws {StepError} when `wanted` is neither, or not above `current`
 */
export function nextVersion(current, wanted) {
  const [major, minor, patch, prerelease] = parse(current, 'the current version')
  // As npm does it: 1.2.0-rc.1 is on its way to 1.2.0, so a minor release of it is 1.2.0.
  switch (wanted) {
    case 'major':
      return prerelease !== '' && minor === 0 && patch === 0 ? `${major}.0.0` : `${major + 1}.0.0`
    case 'minor':
      return prerelease !== '' && patch === 0 ? `${major}.${minor}.0` : `${major}.${minor + 1}.0`
    case 'patch':
      return prerelease !== '' ? `${major}.${minor}.${patch}` : `${major}.${minor}.${patch + 1}`
  }
  if (!VERSION.test(wanted)) {
    throw new StepError(`"${wanted}" is neither major, minor or patch nor a version like 1.2.3 or 1.2.3-rc.1`)
  }
  if (compareVersions(wanted, current) <= 0) {
    throw new StepError(`${wanted} is not above the current version ${current}`)
  }
  return wanted
}

/**
 * Order of two versions by the rules of semantic versioning: negative, 0 or positive.
 *
 * @param {string} a
 * @param {string} b
 */
export function compareVersions(a, b) {
  const [majorA, minorA, patchA, prereleaseA] = parse(a, 'a version')
  const [majorB, minorB, patchB, prereleaseB] = parse(b, 'a version')
  const numbers = majorA - majorB || minorA - minorB || patchA - patchB
  if (numbers !== 0 || prereleaseA === prereleaseB) return numbers
  if (prereleaseA === '') return 1
  if (prereleaseB === '') return -1
  const [partsA, partsB] = [prereleaseA.split('.'), prereleaseB.split('.')]
  for (const [i, partA] of partsA.entries()) {
    const partB = partsB[i]
    if (partB === undefined) return 1
    if (partA === partB) continue
    const [isNumberA, isNumberB] = [/^\d+$/.test(partA), /^\d+$/.test(partB)]
    if (isNumberA && isNumberB) return Number(partA) - Number(partB)
    if (isNumberA !== isNumberB) return isNumberA ? -1 : 1
    return partA < partB ? -1 : 1
  }
  return -1
}

/**
 * @param {string} version
 * @param {string} what
 * @returns {[number, number, number, string]}
 */
function parse(version, what) {
  const match = VERSION.exec(version)
  if (match === null) throw new StepError(`${what}, "${version}", is no version like 1.2.3`)
  return [Number(match[1]), Number(match[2]), Number(match[3]), match[4] ?? '']
}

/**
 * package.json or package-lock.json with another version. Platform packages among the optional dependencies have the
 * root's version and follow it.
 *
 * @param {string} text
 * @param {string} from
 * @param {string} to
 * @param {string} file for messages
 * @returns {string}
 */
export function setPackageVersion(text, from, to, file) {
  const json = JSON.parse(text)
  const roots = json.packages === undefined ? [json] : [json, json.packages['']]
  for (const root of roots) {
    if (root?.version !== from) throw new StepError(`${file} names version ${root?.version}, expected ${from}`)
    root.version = to
    for (const [name, version] of Object.entries(root.optionalDependencies ?? {})) {
      if (isPlatformPackage(name, json.name)) {
        if (version !== from) throw new StepError(`${file} asks for ${name} ${version}, expected ${from}`)
        root.optionalDependencies[name] = to
      }
    }
  }
  // Of a version that isn't published yet nothing is known but its number.
  for (const [path, entry] of Object.entries(json.packages ?? {})) {
    if (!isPlatformPackage(path.replace(/^node_modules\//, ''), json.name)) continue
    entry.version = to
    delete entry.resolved
    delete entry.integrity
  }
  return `${JSON.stringify(json, null, 2)}\n`
}

/**
 * @param {string} name
 * @param {string} root
 */
function isPlatformPackage(name, root) {
  return name.startsWith(`@${root}/`) || name.startsWith(`${root}-`)
}

/**
 * The workspace's Cargo.toml with another version: that of its packages and that of its own crates among the
 * dependencies.
 *
 * @param {string} text
 * @param {string} from
 * @param {string} to
 * @returns {string}
 */
export function setWorkspaceVersion(text, from, to) {
  let [packages, dependencies] = [0, 0]
  let section = ''
  const lines = text.split('\n').map((line) => {
    section = /^\[(.+)\]\s*$/.exec(line)?.[1] ?? section
    const isPackage = section === 'workspace.package' && /^version\s*=/.test(line)
    const isDependency = section === 'workspace.dependencies' && /\bpath\s*=/.test(line) && /\bversion\s*=/.test(line)
    if (!isPackage && !isDependency) return line
    const changed = line.replace(/(\bversion\s*=\s*")([^"]+)(")/, (_, before, version, after) => {
      if (version !== from) throw new StepError(`Cargo.toml: "${line}" names ${version}, expected ${from}`)
      return `${before}${to}${after}`
    })
    if (isPackage) packages++
    else dependencies++
    return changed
  })
  if (packages !== 1 || dependencies === 0) {
    throw new StepError(
      `Cargo.toml has ${packages} versions in [workspace.package] and ${dependencies} crates of its own in ` +
        '[workspace.dependencies]; expected 1 and at least 1',
    )
  }
  return lines.join('\n')
}

/**
 * A Cargo.lock in which the given crates have another version. Only crates that lie in this repository: those from a
 * registry have a source.
 *
 * @param {string} text
 * @param {readonly string[]} crates
 * @param {string} from
 * @param {string} to
 * @param {string} file for messages
 * @returns {string}
 */
export function setLockedVersion(text, crates, from, to, file) {
  let changes = 0
  const changed = text.replace(/\[\[package\]\]\n(?:(?!\[\[package\]\]).*\n?)*/g, (block) => {
    const name = /^name = "(.+)"$/m.exec(block)?.[1] ?? ''
    if (!crates.includes(name) || /^source = /m.test(block)) return block
    return block.replace(/^version = "(.+)"$/m, (_, version) => {
      if (version !== from) throw new StepError(`${file} holds ${name} ${version}, expected ${from}`)
      changes++
      return `version = "${to}"`
    })
  })
  if (changes === 0) throw new StepError(`${file} holds none of ${crates.join(', ')}`)
  return changed
}

/**
 * The generated loader, which compares its own version with that of the platform package.
 *
 * @param {string} text
 * @param {string} from
 * @param {string} to
 * @returns {string}
 */
export function setLoaderVersion(text, from, to) {
  return text.replaceAll(`'${from}'`, `'${to}'`).replaceAll(`expected ${from} but got`, `expected ${to} but got`)
}
