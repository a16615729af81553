// npm run release:gate -- <folder of tarballs> [--tag <tag>]: refuse to publish unless every package is there, holds
// exactly what it should, and every version agrees. Says everything that is wrong, not only the first.

import { parseArgs } from 'node:util'
import { resolve } from 'node:path'
import { ROOT, runScript, say, StepError } from './command.mjs'
import { expectedOf, repositoryRefusals, tarballRefusals } from './release-packages.mjs'

await runScript(async () => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { tag: { type: 'string' } } })
  const [folder, ...more] = positionals
  if (folder === undefined || more.length > 0) {
    throw new StepError('usage: npm run release:gate -- <folder of tarballs> [--tag <tag>]')
  }
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  const expected = expectedOf(ROOT, {
    ...(values.tag && { tag: values.tag }),
    ...(server && name && { repository: `${server}/${name}` }),
  })
  const refusals = [...repositoryRefusals(ROOT, expected), ...(await tarballRefusals(resolve(folder), expected))]
  for (const refusal of refusals) process.stdout.write(`REFUSED  ${refusal}\n`)
  if (refusals.length > 0) throw new StepError(`${refusals.length} reasons not to publish ${expected.version}`)
  say(`${expected.platforms.length + 1} packages of ${expected.version} may be published`)
})
