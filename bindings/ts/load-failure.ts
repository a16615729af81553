import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NearhashError } from './errors.js'

/** What a published manifest says; the repository's own has no optionalDependencies. */
interface Manifest {
  name?: string
  optionalDependencies?: Record<string, string>
}

/** The machine, in npm's words. */
interface Host {
  /** What the platform's package ends with, for instance `linux-x64-gnu`. */
  id: string
  /** For people. */
  text: string
}

/** @internal Why the add-on could not be loaded, and what to do about it. `from` is the URL of the module that tried. */
export function loadFailure(cause: unknown, from: string): NearhashError {
  const messages = messagesOf(cause)
  const host = thisHost(messages)
  const manifest = manifestOf(from)
  const packages = Object.keys(manifest?.optionalDependencies ?? {})
  const stem = packages[0]?.replace(/[^/]*$/, (name) => name.slice(0, name.indexOf('-') + 1)) ?? ''
  const known = packages.map((name) => name.slice(stem.length))
  const { expected, likely, fix } = diagnose({ messages, host, manifest, packages, wanted: stem + host.id, from })
  return new NearhashError(
    {
      code: 'ERR_NEARHASH_LOAD',
      argument: 'nearhash',
      received: host.id,
      allowed: known.length > 0 ? known.join(', ') : 'a platform that the native add-on was built for',
      message:
        `the native add-on of nearhash could not be loaded on ${host.text}. ` +
        `Package expected: ${expected}. Likely cause: ${likely}. Fix: ${fix}.`,
    },
    { cause },
  )
}

interface Finding {
  expected: string
  likely: string
  fix: string
}

interface Facts {
  messages: string[]
  host: Host
  manifest: Manifest | undefined
  packages: string[]
  wanted: string
  from: string
}

function diagnose({ messages, host, manifest, packages, wanted, from }: Facts): Finding {
  if (manifest === undefined) {
    return {
      expected: `the one for ${host.id}, beside the package "nearhash"`,
      likely: 'a bundler has put the code of nearhash into another file, from where its add-on is out of reach',
      fix: 'mark "nearhash" as external in the bundler and ship node_modules/nearhash and node_modules/@nearhash with the bundle',
    }
  }
  if (packages.length === 0) {
    return {
      expected: `none: this is a clone of the repository, where bindings/nearhash.${host.id}.node is used`,
      likely: 'the add-on has not been built, or was built for another platform',
      fix: 'run "npm run build", which needs stable Rust from https://rustup.rs',
    }
  }
  if (!packages.includes(wanted)) {
    return {
      expected: `none, as nearhash has no package ${wanted}`,
      likely: `unsupported target; there are packages for ${packages.map((name) => name.slice(wanted.length - host.id.length)).join(', ')}`,
      fix: 'run a Node of one of these (a 32-bit Node on a 64-bit machine can be exchanged), or build nearhash from its repository',
    }
  }
  const require = createRequire(from)
  if (isInstalled(require, wanted)) return refused(messages, wanted, host)

  const others = packages.filter((name) => isInstalled(require, name))
  if (others.length > 0) return installedElsewhere(others, wanted, host)

  const install = `delete node_modules and the lockfile and install again on this machine, with optional dependencies`
  switch (inLockfile(from, wanted)) {
    case false:
      return {
        expected: wanted,
        likely: 'package-lock.json has no entry for it, as npm leaves out when the lockfile is made on another platform (npm/cli#4828)',
        fix: 'delete node_modules and package-lock.json and run "npm install"; check that the new lockfile lists all @nearhash packages',
      }
    case true:
      return {
        expected: wanted,
        likely: 'it is in package-lock.json and was not installed: --omit=optional, or omit=optional in an .npmrc',
        fix: 'install with "npm install --include=optional" and without --omit=optional',
      }
    case undefined:
      return {
        expected: wanted,
        likely:
          'optional dependencies were left out (--omit=optional, --no-optional, --ignore-optional), or the lockfile was made on another platform',
        fix: install,
      }
  }
}

/** The package is there, and still nothing was loaded. */
function refused(messages: string[], wanted: string, host: Host): Finding {
  const file = `nearhash.${host.id}.node`
  const reason = messages.find((text) => text.includes(file) && !/cannot find module/i.test(text))
  if (reason === undefined) {
    return {
      expected: wanted,
      likely: `the package is installed without its file ${file}: an incomplete copy, or a deployment tool that leaves .node files out`,
      fix: 'delete node_modules and install again; tell the deployment tool to keep .node files',
    }
  }
  const [line = ''] = reason.split('\n')
  const glibc = /GLIBC(?:XX)?_[\d.]+/.test(line)
  return {
    expected: wanted,
    likely: glibc
      ? `it is installed, but the system's C library is too old for it (${line})`
      : `it is installed, but the system refused to load it (${line})`,
    fix: glibc
      ? 'use a newer Linux, or the musl build on Alpine'
      : 'delete node_modules and install again; where the message names a missing library or a denied permission, mend that',
  }
}

function installedElsewhere(others: string[], wanted: string, host: Host): Finding {
  const twin = others.find((name) => name.replace(/-\w+$/, '') === wanted.replace(/-\w+$/, '') && host.id.startsWith('linux'))
  const command = `npm install --os=${host.id.split('-')[0]} --cpu=${host.id.split('-')[1]}`
  if (twin !== undefined) {
    const [here, there] = host.id.endsWith('musl') ? ['musl', 'glibc'] : ['glibc', 'musl']
    return {
      expected: wanted,
      likely: `musl and glibc mixed: ${twin} is installed, so node_modules was made with ${there}, and this Node runs on ${here}`,
      fix: `install where it runs (in the image itself), or with "${command} --libc=${here}"`,
    }
  }
  return {
    expected: wanted,
    likely: `node_modules was made on another platform (${others.join(', ')} is installed), by a copy or by a lockfile made there`,
    fix: `delete node_modules and install again on this machine, or install there with "${command}"; when it stays away, delete the lockfile too`,
  }
}

function isInstalled(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}

/** Whether npm's lockfile of the project lists a package; undefined without such a lockfile. */
function inLockfile(from: string, wanted: string): boolean | undefined {
  const own = fileURLToPath(from)
  const at = own.search(/[\\/]node_modules[\\/]/)
  if (at < 0) return undefined
  const file = join(own.slice(0, at), 'package-lock.json')
  if (!existsSync(file)) return undefined
  try {
    const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages?: Record<string, unknown> }
    if (packages === undefined) return undefined
    const listed = Object.keys(packages)
    if (!listed.some((path) => path.endsWith('node_modules/nearhash'))) return undefined
    return listed.some((path) => path.endsWith(`node_modules/${wanted}`))
  } catch {
    return undefined
  }
}

/** package.json of nearhash; undefined where this code is not in its package. */
function manifestOf(from: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(dirname(fileURLToPath(from)), '..', 'package.json'), 'utf8')) as Manifest
    return manifest.name === 'nearhash' ? manifest : undefined
  } catch {
    return undefined
  }
}

/** All messages of an error, its causes and what it collects. */
function messagesOf(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > 20) return []
  return [error.message, ...messagesOf(error.cause, depth + 1)]
}

function thisHost(messages: string[]): Host {
  const { platform, arch } = process
  if (platform === 'win32') return { id: `win32-${arch}-msvc`, text: `Windows (win32), ${arch}` }
  if (platform !== 'linux') return { id: `${platform}-${arch}`, text: `${platform}, ${arch}` }
  // Reading the report is slow where it would look up hosts.
  const report = process.report as (typeof process.report & { excludeNetwork?: boolean }) | undefined
  if (report !== undefined) report.excludeNetwork = true
  const { header } = (report?.getReport?.() ?? {}) as { header?: { glibcVersionRuntime?: string } }
  const glibc = header?.glibcVersionRuntime
  // The loader has looked at more than the report; what it asked for counts.
  const asked = messages.some((text) => text.includes(`linux-${arch}-musl`))
  const musl = asked || (glibc === undefined && !messages.some((text) => text.includes(`linux-${arch}-gnu`)))
  return {
    id: `linux-${arch}-${musl ? 'musl' : 'gnu'}`,
    text: `linux, ${arch}, ${musl ? 'musl' : `glibc${glibc === undefined ? '' : ` ${glibc}`}`}`,
  }
}
