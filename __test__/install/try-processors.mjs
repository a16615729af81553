// The same binary on lesser CPUs: by order of NEARHASH_CPU, and under qemu with features masked, where the CPU itself
// says no.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { attempt, example, json, lastLines, NODE, npm, project } from './installed.mjs'
import { NotTried } from './table.mjs'

/** CPU names of qemu, and what the kernels must make of them. */
const MODELS = [
  { model: 'qemu64', what: 'plain x86-64-v1', cpu: 'portable' },
  { model: 'Nehalem', what: 'x86-64-v2, without AVX', cpu: 'portable' },
  { model: 'SandyBridge', what: 'AVX without AVX2', cpu: 'portable' },
  { model: 'Haswell', what: 'AVX2', cpu: 'avx2' },
]

/** @param {import('./run.mjs').Bench} bench */
export async function tryProcessors(bench) {
  const { table } = bench
  const folder = project(bench, 'processors')
  await npm(bench, folder, ['install', 'nearhash'])

  for (const level of process.arch === 'arm64' ? ['portable', 'neon', 'neondot'] : ['portable', 'avx2', 'avx512', 'avx512vnni']) {
    await table.try('CPU', `NEARHASH_CPU=${level}`, async () => {
      const env = { NEARHASH_CPU: level }
      const { cpu } = await json(bench, folder, [NODE, 'example.mjs'], { env })
      if (cpu !== level) throw new NotTried(`this CPU has no ${level}`)
      await example(bench, folder, [NODE, 'example.mjs'], { env })
      return 'same answers'
    })
  }

  const qemu = onPath('qemu-x86_64') ?? onPath('qemu-x86_64-static')
  for (const { model, what, cpu } of MODELS) {
    await table.try('CPU', `qemu ${model} (${what})`, async () => {
      if (qemu === undefined || process.arch !== 'x64') throw new NotTried('qemu-x86_64 (Debian package qemu-user) is not installed')
      const started = await attempt(bench, folder, [qemu, '-cpu', model, NODE, '-p', '1 + 1'])
      if (!started.ok) throw new NotTried(`Node itself doesn't start on it: ${lastLines(started.output)}`)
      const used = await example(bench, folder, [qemu, '-cpu', model, NODE, 'example.mjs'])
      if (used !== cpu) throw new Error(`the kernels took ${used} instead of ${cpu}`)
      return `kernels: ${used}, same answers`
    })
  }
}

/** @param {string} command */
function onPath(command) {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return join(folder, command)
    } catch {
      continue
    }
  }
  return undefined
}
