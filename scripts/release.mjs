// npm run release -- <major|minor|patch|x.y.z> [--dry-run [--skip-checks]] [--branch <name>]
//
// A release as one commit and one tag. All of it is prepared and checked in a temporary clone, so that what is tagged
// is what was checked, and a failure leaves the repository as it was. Nothing is pushed and nothing is published.

import { execFile as execFileCallback } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { ROOT, run, runNpm, runScript, say, StepError } from './command.mjs'
import { releaseNotes, unreleasedNotes } from './release-changelog.mjs'
import {
  nextVersion,
  setLoaderVersion,
  setLockedVersion,
  setPackageVersion,
  setWorkspaceVersion,
} from './release-version.mjs'

const execFile = promisify(execFileCallback)

const USAGE = 'usage: npm run release -- <major|minor|patch|x.y.z> [--dry-run [--skip-checks]] [--branch <name>]'

/** What has to pass before a tag is set; each is an npm script. */
const CHECKS = /** @type {const} */ (['test', 'check:crate'])

await runScript(async () => {
  const { wanted, branch, dryRun, skipChecks } = readArguments()
  await refuseUnclean(branch)
  const current = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version
  const version = nextVersion(current, wanted)
  const tag = `v${version}`
  await refuseTag(tag)
  unreleasedNotes(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))

  const folder = mkdtempSync(join(tmpdir(), 'nearhash-release-'))
  const clone = join(folder, 'nearhash')
  try {
    const head = await git(ROOT, ['rev-parse', 'HEAD'])
    await git(ROOT, ['clone', '--quiet', '--no-tags', '--branch', branch, '--', ROOT, clone])
    const files = writeVersion(clone, current, version)
    await git(clone, ['add', '--', ...files])
    if (skipChecks) say(`NOT CHECKED: --skip-checks left out ${CHECKS.map((name) => `npm run ${name}`).join(' and ')}`)
    else await check(clone)
    const tree = await git(clone, ['write-tree'])
    const patch = await git(clone, ['diff', '--cached', '--binary', '--no-color', '--no-ext-diff'])
    if (dryRun) {
      process.stdout.write(`${patch}\n`)
      say(`dry run: ${current} would become ${version}, tagged ${tag}; nothing was changed`)
      return
    }
    await refuseMoved(branch, head)
    await commit(folder, patch, tree, tag)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  say(`${current} became ${version}: one commit on ${branch} and the tag ${tag}, both only here`)
  say(`publish it with "git push --atomic origin ${branch} ${tag}"; the tag starts the release workflow`)
})

function readArguments() {
  /** @type {ReturnType<typeof parse>} */
  let parsed
  try {
    parsed = parse()
  } catch (error) {
    throw new StepError(`${/** @type {Error} */ (error).message}\n${USAGE}`)
  }
  const { values, positionals } = parsed
  const [wanted, ...more] = positionals
  if (wanted === undefined || more.length > 0) throw new StepError(USAGE)
  const { 'dry-run': dryRun, 'skip-checks': skipChecks, branch } = values
  if (skipChecks && !dryRun) throw new StepError('--skip-checks is for --dry-run only: a release is checked')
  return { wanted, branch, dryRun, skipChecks }
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      'dry-run': { type: 'boolean', default: false },
      'skip-checks': { type: 'boolean', default: false },
      branch: { type: 'string', default: 'main' },
    },
  })
}

/** @param {string} branch the one that releases are made from */
async function refuseUnclean(branch) {
  const here = await git(ROOT, ['branch', '--show-current'])
  if (here !== branch) {
    throw new StepError(`releases are made from the branch ${branch}, this is ${here === '' ? 'a detached HEAD' : here}`)
  }
  const changes = await git(ROOT, ['status', '--porcelain'])
  if (changes !== '') throw new StepError(`the working tree has changes; commit or remove them first:\n${changes}`)
  const { ok, output } = await run('git', ['-C', ROOT, 'rev-list', '--count', 'HEAD..@{upstream}'])
  if (ok && Number(output) > 0) {
    throw new StepError(`${branch} is ${output.trim()} commits behind its upstream; run "git pull --ff-only" first`)
  }
}

/** @param {string} tag */
async function refuseTag(tag) {
  if ((await git(ROOT, ['tag', '--list', tag])) !== '') throw new StepError(`the tag ${tag} exists already`)
}

/**
 * @param {string} branch
 * @param {string} head
 */
async function refuseMoved(branch, head) {
  await refuseUnclean(branch)
  if ((await git(ROOT, ['rev-parse', 'HEAD'])) !== head) {
    throw new StepError(`${branch} got new commits while the release was checked; start again`)
  }
}

/**
 * Write the version to every file that names it.
 *
 * @param {string} folder of a clone
 * @param {string} from
 * @param {string} to
 * @returns {string[]} the files that changed
 */
function writeVersion(folder, from, to) {
  /** @type {string[]} */
  const changed = []
  /**
   * @param {string} file
   * @param {(text: string) => string} change
   */
  const edit = (file, change) => {
    const path = join(folder, file)
    if (!existsSync(path)) return
    const text = readFileSync(path, 'utf8')
    const result = change(text)
    if (result === text) return
    writeFileSync(path, result)
    changed.push(file)
  }
  const crates = versionedCrates(folder)
  edit('package.json', (text) => setPackageVersion(text, from, to, 'package.json'))
  edit('package-lock.json', (text) => setPackageVersion(text, from, to, 'package-lock.json'))
  edit('Cargo.toml', (text) => setWorkspaceVersion(text, from, to))
  for (const file of ['Cargo.lock', 'benchmark/floky/Cargo.lock']) {
    edit(file, (text) => setLockedVersion(text, crates, from, to, file))
  }
  edit('bindings/binding.cjs', (text) => setLoaderVersion(text, from, to))
  edit('CHANGELOG.md', (text) => releaseNotes(text, to, new Date().toISOString().slice(0, 10)))
  return changed
}

/**
 * Names of the crates that have the workspace's version.
 *
 * @param {string} folder of a clone
 */
function versionedCrates(folder) {
  const manifest = readFileSync(join(folder, 'Cargo.toml'), 'utf8')
  const members = [...(/^members\s*=\s*\[([^\]]*)\]/m.exec(manifest)?.[1] ?? '').matchAll(/"([^"]+)"/g)]
  return members.flatMap(([, member]) => {
    const text = readFileSync(join(folder, member ?? '', 'Cargo.toml'), 'utf8')
    const name = /^name\s*=\s*"(.+)"$/m.exec(text)?.[1]
    return name !== undefined && /^version\.workspace\s*=\s*true$/m.test(text) ? [name] : []
  })
}

/**
 * Run every check in the clone.
 *
 * @param {string} folder
 */
async function check(folder) {
  for (const name of CHECKS) {
    say(`npm run ${name}, in a fresh clone with the new version`)
    const { ok, code } = await runNpm(['run', name], { cwd: folder, env: { CI: 'true' }, output: 'inherit' })
    if (!ok) throw new StepError(`no release: npm run ${name} ended with exit code ${code}; nothing was changed`)
  }
  // A check that writes to files would have checked something else than what is tagged.
  const written = await git(folder, ['diff', '--name-only'])
  if (written !== '') throw new StepError(`no release: the checks changed ${written.split('\n').join(', ')}`)
}

/**
 * Make the clone's change here, as a commit with a tag.
 *
 * @param {string} folder for the patch
 * @param {string} patch
 * @param {string} tree what the commit must hold
 * @param {string} tag
 */
async function commit(folder, patch, tree, tag) {
  const file = join(folder, 'release.patch')
  writeFileSync(file, `${patch}\n`)
  await git(ROOT, ['apply', '--index', '--whitespace=nowarn', file])
  try {
    const applied = await git(ROOT, ['write-tree'])
    if (applied !== tree) throw new StepError(`the change came out as tree ${applied}, checked was ${tree}`)
    await git(ROOT, ['commit', '--quiet', '--message', `Release ${tag}`])
  } catch (error) {
    await git(ROOT, ['apply', '--index', '--reverse', '--whitespace=nowarn', file])
    throw error
  }
  await git(ROOT, ['tag', '--annotate', '--message', tag, tag])
}

/**
 * @param {string} folder
 * @param {readonly string[]} args
 * @returns {Promise<string>} what it wrote to stdout, without the line end
 */
async function git(folder, args) {
  try {
    const { stdout } = await execFile('git', ['-C', folder, ...args], { maxBuffer: 1 << 28 })
    return stdout.replace(/\n$/, '')
  } catch (error) {
    const { stderr, message } = /** @type {Error & { stderr?: string }} */ (error)
    throw new StepError(`git ${args[0]} failed:\n${(stderr || message).trim()}`)
  }
}
