// npm run release:smoke -- [<version>] [--wait <seconds>] [--signatures]: install a published release from the registry
// as a user would, in a folder of its own, and run the example. --signatures also verifies the registry's signatures
// and the provenance of every package.
// npm run release:smoke -- --from <folder of tarballs>: the same before publishing, with the tarballs for this platform.

import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ROOT, run, runNpm, runScript, say, StepError } from './command.mjs'
import { expectedOf, publicationOrder } from './release-packages.mjs'

const PROGRAMS = join(ROOT, '__test__', 'install', 'project')

/** Seconds between two tries: a registry shows a new version only after a while. */
const PAUSE = 10

await runScript(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      wait: { type: 'string', default: '0' },
      signatures: { type: 'boolean', default: false },
    },
  })
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const version = positionals[0] ?? manifest.version
  const wait = Number(values.wait)
  if (positionals.length > 1 || !(wait >= 0)) {
    throw new StepError('usage: npm run release:smoke -- [<version>] [--wait <seconds>] [--signatures] | --from <folder>')
  }
  const prefix = manifest.napi.packageName ?? manifest.name
  const folder = mkdtempSync(join(tmpdir(), 'nearhash-smoke-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{ "name": "smoke", "version": "1.0.0", "private": true }\n')
    if (values.from === undefined) await install(folder, [`${manifest.name}@${version}`], prefix, wait)
    else await install(folder, await tarballsFor(resolve(values.from), version), prefix, 0)
    const installed = JSON.parse(readFileSync(join(folder, 'node_modules', manifest.name, 'package.json'), 'utf8'))
    if (installed.version !== version) throw new StepError(`asked for ${version}, got ${installed.version}`)
    await answers(folder)
    if (values.signatures) {
      const { ok, output } = await runNpm(['audit', 'signatures'], { cwd: folder })
      process.stdout.write(output)
      if (!ok) throw new StepError('signatures or provenance could not be verified')
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  say(`${manifest.name}@${version} installs and answers on ${process.platform} ${process.arch}, Node ${process.version}`)
})

/**
 * Install, and try again for some time while the registry doesn't show everything yet.
 *
 * @param {string} folder
 * @param {readonly string[]} wanted
 * @param {string} prefix of a platform package's name
 * @param {number} wait seconds
 */
async function install(folder, wanted, prefix, wait) {
  for (const end = Date.now() + wait * 1000; ; await sleep(PAUSE * 1000)) {
    const { ok, output } = await runNpm(['install', ...wanted, '--no-audit', '--no-fund', '--prefer-online'], { cwd: folder })
    // npm passes over an optional package that the registry doesn't know.
    const place = join(folder, 'node_modules', dirname(prefix))
    if (ok && existsSync(place) && readdirSync(place).length > 0) return
    const isThere = !ok && !/\b(E404|ETARGET)\b/.test(output)
    if (isThere || Date.now() >= end) {
      throw new StepError(ok ? `npm install ${wanted.join(' ')} brought no platform package` : `npm install ${wanted.join(' ')} failed:\n${output}`)
    }
    say(`${wanted.join(' ')} is not on the registry yet`)
    for (const rest of ['node_modules', 'package-lock.json']) rmSync(join(folder, rest), { recursive: true, force: true })
  }
}

/**
 * The root package's tarball and those of the platform packages that may be installed here.
 *
 * @param {string} folder
 * @param {string} version
 */
async function tarballsFor(folder, version) {
  const expected = expectedOf(ROOT)
  const libc = process.platform === 'linux' ? (isGlibc() ? 'glibc' : 'musl') : undefined
  const here = expected.platforms.find((one) => one.os === process.platform && one.cpu === process.arch && one.libc === libc)
  if (here === undefined) throw new StepError(`there is no package for ${process.platform} ${process.arch} ${libc ?? ''}`)
  const names = [expected.name, here.name]
  const found = (await publicationOrder(folder, expected)).filter(({ name }) => names.includes(name))
  if (found.length !== 2) throw new StepError(`${folder} should hold ${names.join(' and ')} of ${version}`)
  return found.map(({ file }) => file)
}

function isGlibc() {
  const { header } = /** @type {{ header: Record<string, unknown> }} */ (process.report.getReport())
  return header['glibcVersionRuntime'] !== undefined
}

/**
 * The programs that the installation test runs too.
 *
 * @param {string} folder
 */
async function answers(folder) {
  const esm = await lastLine(folder, 'example.mjs')
  if (esm.nearest?.[0] !== 0 || !(esm.recall > 0.5)) throw new StepError(`import answered ${JSON.stringify(esm)}`)
  const commonjs = await lastLine(folder, 'require.cjs')
  if (commonjs.ids?.[0] !== 1 || commonjs.distance !== 5) throw new StepError(`require answered ${JSON.stringify(commonjs)}`)
  say(`import and require answer; digest ${esm.digest}, which is the same on every platform`)
}

/**
 * @param {string} folder
 * @param {string} program
 */
async function lastLine(folder, program) {
  copyFileSync(join(PROGRAMS, program), join(folder, program))
  const { ok, output, stdout } = await run(process.execPath, [program], { cwd: folder })
  if (!ok) throw new StepError(`${program} failed:\n${output}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
