// What is published: sizes, contents, manifests, and the publishing itself.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { glibcNeededBy } from '../../scripts/elf.mjs'
import { complaintsAbout, LIMITS, packStaged } from '../../scripts/packages.mjs'
import { lastLines, must, NODE, npm, platformsIn, program, project, same, versionOf } from './installed.mjs'

/** @param {import('./run.mjs').Bench} bench */
export async function tryPackages(bench) {
  const { sandbox, table, staged, registry } = bench
  const folder = sandbox.project('tarballs', { '.npmrc': registry.npmrc })
  /** @type {string[]} */
  const tarballs = []
  for (const one of staged) {
    const packed = await packStaged(one, folder)
    tarballs.push(packed.file)
    if (!one.complete) continue
    await table.try('package', one.name, () => {
      const complaints = complaintsAbout(one, packed)
      if (complaints.length > 0) throw new Error(complaints.join('; '))
      const limit = one.binary === undefined ? LIMITS.root : LIMITS.platform
      const glibc = one.binary?.includes('-gnu') ? `, needs glibc ${glibcNeededBy(join(one.folder, one.binary))} as built here` : ''
      return `${(packed.size / 1000).toFixed(1)} kB of ${limit / 1000} kB allowed${glibc}`
    })
  }
  const rootTarball = tarballs.at(-1) ?? ''
  await table.try('package', 'publint', async () => {
    const { output } = await must(bench, folder, [NODE, program(bench, 'publint', 'src', 'cli.js'), rootTarball, '--strict'])
    if (!output.includes('All good')) throw new Error(lastLines(output))
    return `${versionOf(bench, 'publint')}, strict: no complaint`
  })
  await table.try('package', 'arethetypeswrong', async () => {
    // Its one remark is that require() gets an ES module, which every Node that "engines" admits can do.
    const cli = program(bench, '@arethetypeswrong/cli', 'dist', 'index.js')
    await must(bench, folder, [NODE, cli, rootTarball, '--ignore-rules', 'cjs-resolves-to-esm', '--no-emoji', '--no-color'])
    return `${versionOf(bench, '@arethetypeswrong/cli')}: no complaint; require() gets the ES module, as Node >= 20.19 can`
  })
  await table.try('registry', `verdaccio ${versionOf(bench, 'verdaccio')}, npm publish`, async () => {
    for (const tarball of tarballs) await npm(bench, folder, ['publish', tarball, '--access', 'public'])
    const bare = staged.filter(({ complete }) => !complete).length
    return `${staged.length} packages; ${bare} of them without the add-on, for npm's choice only`
  })
  await table.try('registry', 'npm picks one package for each platform', async () => {
    for (const { name, binary, folder: place } of staged) {
      if (binary === undefined) continue
      const { os, cpu, libc } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
      const target = project(bench, `choice-${binary}`)
      await npm(bench, target, ['install', 'nearhash', `--os=${os[0]}`, `--cpu=${cpu[0]}`, ...(libc ? [`--libc=${libc[0]}`] : [])])
      same(platformsIn(target), [name])
    }
    return `${staged.length - 1} platforms by --os, --cpu and --libc`
  })
}
