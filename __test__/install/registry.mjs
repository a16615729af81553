// A real npm registry on this machine: verdaccio, without an uplink. What is installed from it can't come from anywhere
// else, so that a package that needs more than itself fails here.

import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * @typedef {object} Registry
 * @property {string} url with a slash at the end
 * @property {string} npmrc what an .npmrc needs for publishing
 */

/**
 * @param {import('./sandbox.mjs').Sandbox} sandbox
 * @param {string} tools node_modules that verdaccio is in
 * @returns {Promise<Registry>}
 */
export async function startRegistry(sandbox, tools) {
  const folder = join(sandbox.folder, 'registry')
  mkdirSync(folder)
  const port = await freePort()
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    `storage: ${JSON.stringify(join(folder, 'storage'))}
auth:
  htpasswd:
    file: ${JSON.stringify(join(folder, 'htpasswd'))}
    max_users: 1
web:
  enable: false
uplinks: {}
packages:
  '**':
    access: $all
    publish: $authenticated
log: { type: stdout, format: json, level: error }
`,
  )
  const child = sandbox.start(process.execPath, [join(tools, 'verdaccio', 'bin', 'verdaccio'), '--config', config, '--listen', `127.0.0.1:${port}`], {
    cwd: folder,
    env: { ...process.env, HOME: folder },
  })
  let log = ''
  child.stdout.on('data', (text) => (log += text))
  child.stderr.on('data', (text) => (log += text))
  const url = `http://127.0.0.1:${port}/`
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${url}-/ping`).catch(() => undefined)
    if (answer?.ok) break
    if (child.exitCode !== null || tries > 300) throw new Error(`the local registry did not start:\n${log}`)
    await sleep(200)
  }
  const answer = await fetch(`${url}-/user/org.couchdb.user:tester`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'tester', password: 'only-on-this-machine', email: 'tester@localhost', type: 'user', roles: [] }),
  })
  const { token } = /** @type {{ token: string }} */ (await answer.json())
  return { url, npmrc: `registry=${url}\n//127.0.0.1:${port}/:_authToken=${token}\n` }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
