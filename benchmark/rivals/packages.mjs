import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('packages/package.json', import.meta.url))

/**
 * An npm package of the folder `packages`, which may not be installed. That folder is a package of its own, so that a
 * clone need not install what only this benchmark wants; this one is not, so that `nearhash` can be imported here.
 *
 * @param {string} name
 * @returns {{ exports: any, version: string }}
 * @throws {Error} with code MODULE_NOT_FOUND
 */
export function loadPackage(name) {
  const exports = require(name)
  // Not through require: some packages export their package.json, some don't.
  const manifest = readFileSync(new URL(`packages/node_modules/${name}/package.json`, import.meta.url), 'utf8')
  return { exports, version: JSON.parse(manifest).version }
}
