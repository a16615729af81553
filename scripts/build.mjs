// npm run build: everything that is built, including the generated files that are committed.

import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, runScript, say } from './command.mjs'
import { bundleDeclarations, committedDeclarations } from './declarations.mjs'
import { BUILT, LOADER, prepare } from './prepare.mjs'
import { LICENCE_LIST, licenceList } from './release-licences.mjs'

await runScript(async () => {
  await prepare(updateLoader)
  const committed = committedDeclarations()
  for (const [file, declarations] of await bundleDeclarations()) {
    if (declarations === committed.get(file)) continue
    writeFileSync(join(ROOT, file), declarations)
    say(`updated ${file}`)
  }
  const licences = await licenceList()
  const list = join(ROOT, LICENCE_LIST)
  if (!existsSync(list) || readFileSync(list, 'utf8') !== licences) {
    writeFileSync(list, licences)
    say(`updated ${LICENCE_LIST}`)
  }
})

/** The loader and its types are needed before TypeScript is compiled. */
function updateLoader() {
  for (const file of LOADER) {
    const [built, committed] = [join(ROOT, BUILT, file), join(ROOT, 'bindings', file)]
    if (existsSync(committed) && readFileSync(built, 'utf8') === readFileSync(committed, 'utf8')) continue
    copyFileSync(built, committed)
    say(`updated bindings/${file}`)
  }
}
