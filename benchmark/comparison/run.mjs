import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runCommand } from '../command-line.mjs'
import { readOptions, HELP } from './options.mjs'
import { runComparison } from './session.mjs'

await runCommand('npm run bench', async (signal) => {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(HELP)
    return
  }
  // npm runs scripts in the package's folder and says where the person stood.
  const here = process.env['npm_lifecycle_event'] === undefined ? process.cwd() : process.env['INIT_CWD'] ?? process.cwd()
  const outFolder = resolve(here, options.out)
  // Before the long part: a folder that can't be made would lose its results.
  await mkdir(outFolder, { recursive: true })
  const folder = await mkdtemp(join(tmpdir(), 'nearhash-bench-'))
  try {
    const results = await runComparison(options, { folder, signal })
    await writeFile(join(outFolder, 'results.json'), `${JSON.stringify(results, null, 1)}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
