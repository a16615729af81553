// node scripts/run.mjs <script> [arguments]: bring the package up to date, then run the script.

import { resolve } from 'node:path'
import { ROOT, run, runScript, StepError } from './command.mjs'
import { prepare } from './prepare.mjs'

await runScript(async () => {
  const [script, ...args] = process.argv.slice(2)
  if (script === undefined) throw new StepError('usage: node scripts/run.mjs <script> [arguments]')
  await prepare()
  const { code } = await run(process.execPath, [resolve(ROOT, script), ...args], { output: 'inherit' })
  return code
})
