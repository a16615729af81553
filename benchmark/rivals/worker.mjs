// node worker.mjs <adapter.mjs>: one rival in a process of its own. Takes requests from stdin and answers on stdout,
// one JSON object a line; see channel.mjs. Anything else that is printed goes to stderr.

import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/**
 * @typedef {import('./rival.mjs').Adapter} Adapter
 * @typedef {import('./rival.mjs').Built} Built
 */

console.log = console.info = console.error

const [file] = process.argv.slice(2)
/** @type {Adapter | undefined} */
let adapter
/** @type {Map<string, Built>} */
const built = new Map()

/** @type {Record<string, (request: any) => Promise<object>>} */
const ANSWERS = {
  async open({ material }) {
    const { open } = await import(new URL(file, import.meta.url).href)
    adapter = /** @type {Adapter} */ (await open(material))
    return adapter.about
  },

  async build({ plan, options }) {
    if (adapter === undefined) throw new Error('build came before open')
    const step = await adapter.prepare(options)
    collectGarbage()
    const before = process.memoryUsage().rss
    const clock = startClock()
    const index = await step()
    const { seconds, cpuSeconds } = clock()
    built.set(plan, index)
    collectGarbage()
    const residentBytes = Math.max(0, process.memoryUsage().rss - before)
    return { seconds, cpuSeconds, residentBytes, ...await index.footprint() }
  },

  async answer({ plan, setting, k, count, out }) {
    const { one, ids } = await find(plan).search(setting, k)
    const answers = new Int32Array(count * k).fill(-1)
    for (let query = 0; query < count; query++) {
      const found = ids(await one(query))
      for (let place = 0; place < Math.min(k, found.length); place++) answers[query * k + place] = Number(found[place])
    }
    writeFileSync(out, answers)
    return {}
  },

  async time({ plan, setting, k, count, queries, warmUp, calls }) {
    const { one, all } = await find(plan).search(setting, k)
    if (calls === 'all') {
      if (all === undefined) throw new Error('takes no more than one query a call')
      all(warmUp)
      const clock = startClock()
      all(count)
      return clock()
    }
    // A first call tells whether a result is worth waiting for: waiting for a value costs a turn of the event loop.
    const waits = one(0) instanceof Promise
    const ask = async (/** @type {number} */ first, /** @type {number} */ end) => {
      let query = first % queries
      for (let asked = first; asked < end; asked++) {
        if (waits) await one(query)
        else one(query)
        if (++query === queries) query = 0
      }
    }
    await ask(0, warmUp)
    const clock = startClock()
    await ask(warmUp, warmUp + count)
    return clock()
  },

  async drop({ plan }) {
    await built.get(plan)?.dispose?.()
    built.delete(plan)
    return {}
  },
}

/** @param {string} plan */
function find(plan) {
  const index = built.get(plan)
  if (index === undefined) throw new Error(`nothing was built as ${JSON.stringify(plan)}`)
  return index
}

/** @returns {() => { seconds: number, cpuSeconds: number }} tells what went by since, on the clock and in this process's threads */
function startClock() {
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  return () => {
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    const { user, system } = process.cpuUsage(cpu)
    return { seconds, cpuSeconds: adapter?.remote ? seconds : (user + system) / 1e6 }
  }
}

function collectGarbage() {
  globalThis.gc?.()
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: what, ...request } = JSON.parse(line)
  /** @type {object} */
  let reply
  try {
    reply = { id, ...await ANSWERS[what](request) }
  } catch (error) {
    const { name, message, code } = /** @type {NodeJS.ErrnoException} */ (error)
    const isMissing = name === 'Unavailable' || code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'
    reply = { id, error: code === 'MODULE_NOT_FOUND' ? 'its package is not installed' : message.split('\n')[0], missing: isMissing }
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}

// Nobody asks any more. What lies elsewhere, such as on a server, is taken away; the rest goes with the process.
for (const index of built.values()) await index.dispose?.()
process.exit()
