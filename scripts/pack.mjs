// npm run pack [-- --binaries <folder>] [--complete] [--out <folder>]: stage every package in npm/, make the tarballs
// and check them. --complete refuses when the add-on of a platform is missing, as a release has to.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, runScript, StepError } from './command.mjs'
import { glibcNeededBy, GLIBC_BASELINE, isNewer } from './elf.mjs'
import { complaintsAbout, packStaged, stagePackages } from './packages.mjs'
import { prepare } from './prepare.mjs'

await runScript(async () => {
  const { values } = parseArgs({
    options: { binaries: { type: 'string' }, complete: { type: 'boolean' }, out: { type: 'string' } },
  })
  // Add-ons from elsewhere: nothing has to be built here but the TypeScript.
  await prepare(undefined, { addon: values.binaries === undefined })
  const staged = await stagePackages(join(ROOT, 'npm'), {
    ...(values.binaries !== undefined && { binaries: resolve(values.binaries) }),
  })
  const out = values.out === undefined ? mkdtempSync(join(tmpdir(), 'nearhash-pack-')) : resolve(values.out)
  mkdirSync(out, { recursive: true })
  let bad = 0
  try {
    for (const one of staged) {
      if (!one.complete) {
        process.stdout.write(`${values.complete ? 'FAIL' : '–   '}  ${one.name}: ${one.binary} was not built here\n`)
        if (values.complete) bad++
        continue
      }
      const packed = await packStaged(one, out)
      const complaints = complaintsAbout(one, packed)
      const glibc = one.binary?.endsWith('-gnu.node') ? glibcNeededBy(join(one.folder, one.binary)) : undefined
      const tooNew = glibc !== undefined && isNewer(glibc, GLIBC_BASELINE)
      if (tooNew && values.complete) complaints.push(`needs glibc ${glibc}; allowed is ${GLIBC_BASELINE}`)
      const note = glibc === undefined ? '' : `, glibc ${glibc}${tooNew ? ` (a release has to do with ${GLIBC_BASELINE})` : ''}`
      process.stdout.write(
        `${complaints.length === 0 ? 'ok  ' : 'FAIL'}  ${one.name}@${one.version}: ${(packed.size / 1000).toFixed(1)} kB, ` +
          `${packed.files.length} files${note}\n${complaints.map((text) => `      ${text}\n`).join('')}`,
      )
      if (complaints.length > 0) bad++
    }
  } finally {
    if (values.out === undefined) rmSync(out, { recursive: true, force: true })
  }
  if (bad > 0) throw new StepError(`${bad} of ${staged.length} packages can't be published like this`)
})
