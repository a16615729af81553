// npm run release:publish -- <folder of tarballs> [--publish] [--tag <tag>]: publish a whole release, platform packages
// first. A rehearsal unless --publish is given. Can be repeated: what is there already with the same bytes is passed by.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, runNpm, runScript, say, StepError } from './command.mjs'
import { expectedOf, publicationOrder, repositoryRefusals, tarballRefusals } from './release-packages.mjs'
import { compareVersions } from './release-version.mjs'

/** The first npm that can publish without a token, by the identity of a workflow. */
const TRUSTED_PUBLISHING = '11.5.1'

await runScript(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { publish: { type: 'boolean', default: false }, tag: { type: 'string' } },
  })
  const [argument, ...more] = positionals
  if (argument === undefined || more.length > 0) {
    throw new StepError('usage: npm run release:publish -- <folder of tarballs> [--publish] [--tag <tag>]')
  }
  const folder = resolve(argument)
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name, ACTIONS_ID_TOKEN_REQUEST_URL: identity } = process.env
  const expected = expectedOf(ROOT, {
    ...(values.tag && { tag: values.tag }),
    ...(server && name && { repository: `${server}/${name}` }),
  })
  if (values.publish && !values.tag) {
    throw new StepError('--publish needs --tag <tag>: what is published is what the tag holds')
  }
  const { version } = expected
  await refuseOldNpm(identity !== undefined)
  const refusals = [...repositoryRefusals(ROOT, expected), ...(await tarballRefusals(folder, expected))]
  if (refusals.length > 0) throw new StepError(`nothing was published:\n${refusals.join('\n')}`)

  // All questions first: a package that is taken has to stop the release before its first part is out.
  const waiting = []
  for (const one of await publicationOrder(folder, expected)) {
    const found = await publishedIntegrity(one.name, version)
    if (found !== undefined && found !== integrityOf(one.file)) {
      throw new StepError(`nothing was published: ${one.name}@${version} is on the registry with other contents`)
    }
    if (found !== undefined) say(`${one.name}@${version} is on the registry already`)
    else waiting.push(one)
  }

  const distTag = version.includes('-') ? 'next' : 'latest'
  for (const [i, one] of waiting.entries()) {
    const { ok } = await runNpm(
      [
        ...['publish', one.file, '--access', 'public', '--tag', distTag, '--ignore-scripts'],
        ...(identity === undefined ? [] : ['--provenance']),
        ...(values.publish ? [] : ['--dry-run']),
      ],
      { output: 'show' },
    )
    if (ok) continue
    const done = waiting.slice(0, i).map(({ name }) => name)
    throw new StepError(
      `${one.name}@${version} could not be ${values.publish ? 'published' : 'rehearsed'}` +
        (values.publish && done.length > 0 ? `; published are ${done.join(', ')}. Run this again when the cause is gone.` : ''),
    )
  }
  say(values.publish ? `published ${waiting.length} packages of ${version} as ${distTag}` : `rehearsed ${waiting.length} packages of ${version} as ${distTag}; nothing was published`)
})

/** @param {boolean} isTrusted whether there is an identity to publish with */
async function refuseOldNpm(isTrusted) {
  const { ok, stdout, output } = await runNpm(['--version'])
  if (!ok) throw new StepError(`npm could not be started:\n${output}`)
  const version = stdout.trim()
  if (isTrusted && compareVersions(version, TRUSTED_PUBLISHING) < 0) {
    throw new StepError(`npm ${TRUSTED_PUBLISHING} or later is needed for trusted publishing, this is ${version}`)
  }
}

/**
 * What the registry has under a name and version.
 *
 * @param {string} name
 * @param {string} version
 * @returns {Promise<string | undefined>} undefined: nothing
 */
async function publishedIntegrity(name, version) {
  const { ok, stdout, output } = await runNpm(['view', `${name}@${version}`, 'dist.integrity', '--json', '--prefer-online'])
  // Of a version that isn't there npm says nothing, of a package that isn't there E404.
  if (ok) return stdout.trim() === '' ? undefined : JSON.parse(stdout)
  if (/\bE404\b/.test(output)) return undefined
  throw new StepError(`nothing was published: the registry did not answer for ${name}:\n${output.trim()}`)
}

/** @param {string} file */
function integrityOf(file) {
  return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`
}
