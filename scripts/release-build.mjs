// npm run release:build -- <target>...: build the add-on of platforms as it is published, into artifacts/.
//
// Linux add-ons are always built against an old system, also on Linux itself: glibc 2.17 by the toolchain of
// @napi-rs/cross-toolchain, musl by zig. macOS and Windows add-ons need that system, of either CPU.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, run, runPackage, runScript, say, StepError } from './command.mjs'
import { prepare } from './prepare.mjs'
import { binaryRefusals, expectedOf } from './release-packages.mjs'

/** Where `npm run pack -- --binaries artifacts` looks. */
const OUTPUT = join(ROOT, 'artifacts')

await runScript(async () => {
  const targets = process.argv.slice(2)
  const { platforms } = expectedOf(ROOT)
  const known = platforms.map(({ target }) => target)
  const unknown = targets.find((target) => !known.includes(target))
  if (unknown !== undefined || targets.length === 0) {
    throw new StepError(`usage: npm run release:build -- <target>...; targets are\n  ${known.join('\n  ')}`)
  }
  // Development packages: the napi CLI is one of them.
  await prepare(undefined, { addon: false })
  for (const platform of platforms.filter(({ target }) => targets.includes(target))) await build(platform)
})

/** @param {import('./release-packages.mjs').Platform} platform */
async function build(platform) {
  const { target, binary, os, libc } = platform
  if (os !== 'linux' && os !== process.platform) {
    throw new StepError(`${target} is built on ${os === 'darwin' ? 'macOS' : 'Windows'}, this is ${process.platform}`)
  }
  await addTarget(target)
  const folder = mkdtempSync(join(tmpdir(), 'nearhash-build-'))
  try {
    say(`building ${binary} for ${target}`)
    const { ok, code } = await runPackage(
      '@napi-rs/cli/dist/cli.js',
      [
        ...['build', '--platform', '--release', '--strip', '--no-const-enum', '--target', target],
        ...(libc === 'glibc' ? ['--use-napi-cross'] : libc === 'musl' ? ['--cross-compile'] : []),
        ...['--manifest-path', 'bindings/Cargo.toml', '--package-json-path', 'package.json', '--target-dir', 'target'],
        ...['--output-dir', folder, '--js', 'binding.cjs', '--dts', 'binding.d.cts', '--', '--locked'],
      ],
      { output: 'inherit' },
    )
    if (!ok) throw new StepError(`the build for ${target} failed with exit code ${code}`)
    const built = join(folder, binary)
    if (!existsSync(built)) throw new StepError(`the build left no ${binary}`)
    const refusals = binaryRefusals(built, platform)
    if (refusals.length > 0) throw new StepError(refusals.join('\n'))
    mkdirSync(OUTPUT, { recursive: true })
    copyFileSync(built, join(OUTPUT, binary))
    say(`artifacts/${binary}: ${(readFileSync(built).length / 1e6).toFixed(2)} MB`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} target */
async function addTarget(target) {
  const installed = await run('rustup', ['target', 'list', '--installed'])
  if (installed.missing) return // cargo says what is missing, if anything is
  if (installed.output.split(/\r?\n/).includes(target)) return
  say(`adding Rust's standard library for ${target}`)
  const { ok, output } = await run('rustup', ['target', 'add', target])
  if (!ok) throw new StepError(`rustup could not add ${target}:\n${output}`)
}
