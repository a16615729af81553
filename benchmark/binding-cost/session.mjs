// One session of measureSession, in a process of its own: node session.mjs <plan as JSON>. Prints JSON.

import { readBundledSet, readSet } from '../datasets/evaluation-set.mjs'
import { measureSession } from './index-cost.mjs'

/** @type {import('./index-cost.mjs').SessionPlan & { path?: string }} */
const { path, ...plan } = JSON.parse(process.argv[2])
const set = path === undefined ? await readBundledSet({ queries: plan.queries }) : await readSet(path, { queries: plan.queries })
console.log(JSON.stringify(await measureSession(set, plan)))
