// npm run check:aarch64: the engine's tests of the kernels, and the answers of whole indexes on every level of aarch64,
// on CPUs that qemu emulates. Speed can't be seen there.

import { run, runScript, say, StepError } from './command.mjs'

/**
 * Linked statically, by the linker that comes with Rust: no C compiler and no system of that architecture is needed.
 * `rustup target add` brings it.
 */
const TARGET = 'aarch64-unknown-linux-musl'

/** CPU names of qemu, and the kernels' levels to run on each: `max` has dot products of bytes, `cortex-a72` lacks them. */
const CPUS = [
  { cpu: 'max', levels: ['neondot', 'neon', 'portable'] },
  { cpu: 'cortex-a72', levels: ['neon'] },
]

await runScript(async () => {
  if ((await run('qemu-aarch64', ['--version'])).missing) throw new StepError('qemu-aarch64 is not installed (Debian package qemu-user)')
  for (const { cpu, levels } of CPUS) {
    await cargoTest(cpu, undefined, ['--lib', 'kernel'])
    for (const level of levels) {
      await cargoTest(cpu, level, ['--test', 'behaviour', 'the_number_of_threads_changes'])
    }
  }
})

/**
 * @param {string} cpu
 * @param {string | undefined} level all that the CPU has where it is undefined
 * @param {readonly string[]} args
 */
async function cargoTest(cpu, level, args) {
  say(`${cpu}, ${level ?? 'every level'}: ${args.join(' ')}`)
  const { ok, output } = await run('cargo', ['test', '-p', 'nearhash', '--target', TARGET, ...args], {
    output: 'show',
    env: {
      CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER: 'rust-lld',
      CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER: `qemu-aarch64 -cpu ${cpu}`,
      ...(level === undefined ? {} : { NEARHASH_CPU: level }),
    },
  })
  const passed = Number(/^test result: .*? (\d+) passed/m.exec(output)?.[1] ?? 0)
  if (!ok || passed === 0) throw new StepError(`tests failed on ${cpu}`)
}
