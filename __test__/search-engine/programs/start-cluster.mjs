// Starts a search engine, says where it is, and waits.

import { EngineCluster } from '../../../scripts/engine-cluster.mjs'
import { findRelease } from '../../../scripts/engine-releases.mjs'

const [flavour = '', version = ''] = process.argv.slice(2)
const { folder, nodes } = await EngineCluster.start({ release: findRelease(flavour, version) })
process.stdout.write(`${JSON.stringify({ folder, nodes })}\n`)
setInterval(() => {}, 1000)
