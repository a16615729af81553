import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

const SCRIPTS = {
  bench: fileURLToPath(new URL('../../benchmark/comparison/run.mjs', import.meta.url)),
  demo: fileURLToPath(new URL('../../benchmark/demo/run.mjs', import.meta.url)),
  recall: fileURLToPath(new URL('../../benchmark/recall/run.mjs', import.meta.url)),
  words: fileURLToPath(new URL('../../benchmark/words/run.mjs', import.meta.url)),
}

/**
 * Runs a benchmark in a process of its own, stderr no terminal.
 *
 * @param interruptAt stops it as Ctrl-C does, as soon as stdout holds this text
 */
export function runCommand(
  name: keyof typeof SCRIPTS,
  args: readonly string[],
  { env = {}, interruptAt }: { env?: Record<string, string>; interruptAt?: string } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SCRIPTS[name], ...args], {
      // Paths are read from here whatever command started the tests.
      env: { ...process.env, INIT_CWD: process.cwd(), NEARHASH_DATA: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr, interrupted] = ['', '', false]
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      if (interruptAt !== undefined && !interrupted && stdout.includes(interruptAt)) {
        interrupted = true
        child.kill('SIGINT')
      }
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
