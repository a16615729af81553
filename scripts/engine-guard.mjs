// node scripts/engine-guard.mjs <folder>: stands beside a search engine of this folder. Its input ends when the process
// that started the engine has ended, also when that was killed; what runs then is stopped, and the folder removed.

import { once } from 'node:events'
import { clusterIn } from './engine-cluster.mjs'

const [folder = ''] = process.argv.slice(2)
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {})
process.stdin.resume()
await once(process.stdin, 'close')
await (await clusterIn(folder)).stop()
