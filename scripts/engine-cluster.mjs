// A search engine of one node or several, each in a process of its own, for tests and benchmarks.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT, run, StepError } from './command.mjs'
import { engineFiles, nearestNeighbourPlugin } from './engine-files.mjs'
import { nodeFolder, prepareNode } from './engine-node.mjs'
import { findRelease } from './engine-releases.mjs'
import { describeNeeds, findJava } from './java.mjs'

/** @typedef {import('./engine-releases.mjs').Release} Release */

/**
 * One node.
 *
 * @typedef {object} EngineNode
 * @property {number} pid also the id of its process group
 * @property {string} url where it answers over HTTP; empty until it says so itself
 */

/**
 * @typedef {object} ClusterOptions
 * @property {Release} [release] default: the first OpenSearch
 * @property {number} [nodes] default: 1
 * @property {string} [heap] of each node, as Java writes it; default: 512m
 * @property {boolean} [knn] OpenSearch with its own k-NN plugin; default: false
 * @property {boolean} [fast] with Java's optimising compiler and vector instructions, as in production; it starts and
 *   warms up more slowly; default: false
 * @property {boolean} [keep] let the nodes outlive this process; default: false
 */

/** Green takes 10 to 60 seconds on an idle machine; this is for a busy one. */
const START_SECONDS = 300

/** Beginning of the folders of this clone's clusters, in the system's folder for temporary files. */
const FOLDERS = `nearhash-engine-${createHash('sha256').update(ROOT).digest('hex').slice(0, 8)}-`

/** Where a cluster says what it consists of, in its folder. */
const CLUSTER_FILE = 'cluster.json'

export class EngineCluster {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #guard

  /**
   * @param {Release} release
   * @param {string} folder everything the nodes write
   * @param {EngineNode[]} nodes
   */
  constructor(release, folder, nodes) {
    this.release = release
    this.folder = folder
    this.nodes = nodes
    this.names = nodes.map((_, i) => nodeFolder({ folder, i }))
  }

  /** Where the first node answers. */
  get url() {
    return /** @type {EngineNode} */ (this.nodes[0]).url
  }

  /**
   * Start a cluster and wait until every node has joined and it is green.
   *
   * @param {ClusterOptions} [options]
   * @returns {Promise<EngineCluster>}
   * @throws {StepError} with the end of the nodes' logs when it does not get there
   */
  static async start({ release = findRelease('opensearch'), nodes: count = 1, heap = '512m', knn = false, fast = false, keep = false } = {}) {
    const java = findJava(release.java)
    if (java === undefined) throw new StepError(`${release.name} needs ${describeNeeds(release.java)}`)
    const files = await engineFiles(release)
    const plugin = knn ? await nearestNeighbourPlugin(release) : undefined
    const folder = mkdtempSync(join(tmpdir(), FOLDERS))
    chmodSync(folder, 0o755)
    const cluster = new EngineCluster(release, folder, [])
    if (!keep) cluster.#guard = guard(folder)
    try {
      const ports = await freePorts(count)
      for (const i of ports.keys()) {
        await cluster.#startNode({ release, files, folder, ports, i, heap, fast, home: java.home, plugin })
      }
      await cluster.green()
    } catch (error) {
      const logs = cluster.nodes.map((_, i) => cluster.log(i)).join('\n')
      await cluster.stop()
      if (error instanceof StepError) error.message += `\n${logs}`
      throw error
    }
    return cluster
  }

  /** @param {import('./engine-node.mjs').NodePlan} plan */
  async #startNode(plan) {
    const { command, args, env, owner } = prepareNode(plan)
    const own = nodeFolder(plan)
    const log = openSync(`${own}.log`, 'a')
    const child = spawn(command, args, {
      cwd: own,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
      // A group of its own: Elasticsearch's launcher has the server as a child.
      detached: true,
      ...(owner === undefined ? {} : { uid: owner, gid: owner }),
    })
    closeSync(log)
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    this.nodes.push({ url: '', pid: /** @type {number} */ (child.pid) })
    this.names.push(own)
    this.#save()
  }

  #save() {
    writeFileSync(join(this.folder, CLUSTER_FILE), JSON.stringify({ release: this.release, nodes: this.nodes }))
  }

  /**
   * Wait until the cluster is green with so many nodes.
   *
   * @param {number} [nodes] default: all that were started
   */
  async green(nodes = this.nodes.length) {
    const deadline = Date.now() + START_SECONDS * 1000
    const path = `/_cluster/health?wait_for_status=green&wait_for_nodes=${nodes}&timeout=5s`
    for (;;) {
      if (this.nodes.some(({ pid }) => !isAlive(pid))) throw new StepError(`a node of ${this.release.name} ended`)
      if (this.#listening() && (await statusOf(`${this.url}${path}`)) === 200) return
      if (Date.now() > deadline) throw new StepError(`${this.release.name} was not green after ${START_SECONDS} s`)
      await sleep(200)
    }
  }

  /**
   * Learn from the nodes' own words where they answer: the port that was free a moment ago may be someone else's now.
   *
   * @returns {boolean} all of them do
   */
  #listening() {
    for (const [i, node] of this.nodes.entries()) {
      if (node.url !== '') continue
      const [, address] = /HttpServerTransport\s*\] publish_address \{([^}]+)\}/.exec(this.#logOf(i)) ?? []
      if (address === undefined) return false
      node.url = `http://${address}`
      this.#save()
    }
    return true
  }

  /**
   * End of what a node wrote.
   *
   * @param {number} i
   */
  log(i) {
    return this.#logOf(i).slice(-4000)
  }

  /** @param {number} i */
  #logOf(i) {
    try {
      return readFileSync(`${this.names[i]}.log`, 'utf8')
    } catch {
      return ''
    }
  }

  /**
   * End a node at once, as a power failure would.
   *
   * @param {number} i
   */
  async kill(i) {
    const [node] = this.nodes.splice(i, 1)
    if (node === undefined) throw new RangeError(`there is no node ${i}`)
    this.names.splice(i, 1)
    signalGroup(node.pid, 'SIGKILL')
    await ended(node.pid)
  }

  /** Stop every node, wait for that, and remove the folder. */
  async stop() {
    for (const { pid } of this.nodes) signalGroup(pid, 'SIGTERM')
    for (const { pid } of this.nodes) await ended(pid)
    this.nodes = []
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
    this.#guard?.stdin?.end()
  }
}

/**
 * Every cluster of this clone that another process has started and not stopped.
 *
 * @returns {Promise<EngineCluster[]>}
 */
export async function startedClusters() {
  const names = readdirSync(tmpdir()).filter((name) => name.startsWith(FOLDERS))
  return Promise.all(names.map((name) => clusterIn(join(tmpdir(), name))))
}

/**
 * The cluster that another process has left in this folder. Process ids are used again by the system: only processes
 * that name the folder are taken for nodes.
 *
 * @param {string} folder
 * @returns {Promise<EngineCluster>}
 */
export async function clusterIn(folder) {
  let release = findRelease('opensearch')
  /** @type {EngineNode[]} */
  let nodes = []
  try {
    ;({ release, nodes } = JSON.parse(readFileSync(join(folder, CLUSTER_FILE), 'utf8')))
  } catch {
    // It ended before its first node was started.
  }
  const own = []
  for (const node of nodes) {
    const leader = await run('ps', ['-ww', '-o', 'args=', '-p', String(node.pid)])
    const group = await run('ps', ['-ww', '-o', 'args=', '-g', String(node.pid)])
    if (leader.missing || `${leader.output}${group.output}`.includes(folder)) own.push(node)
  }
  return new EngineCluster(release, folder, own)
}

/**
 * A process that waits for the end of this one, however it comes, and then stops what is left of the cluster.
 *
 * @param {string} folder
 */
function guard(folder) {
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'engine-guard.mjs'), folder], {
    stdio: ['pipe', 'ignore', 'inherit'],
    // Ctrl-C is for the processes in front of the terminal.
    detached: true,
  })
  child.unref()
  // The pipe must not keep this process from ending.
  const { stdin } = child
  if (stdin !== null && 'unref' in stdin) /** @type {import('node:net').Socket} */ (stdin).unref()
  return child
}

/**
 * Ports for so many nodes. One node picks its own. HTTP: the runner takes ports below 9300 only and looks for a free
 * one from there on, so clusters that start together begin at different ones.
 *
 * @param {number} count
 * @returns {Promise<import('./engine-node.mjs').NodePorts[]>}
 */
async function freePorts(count) {
  const ports = []
  let http = 9200 + Math.floor(Math.random() * 80)
  for (let i = 0; i < count; i++) ports.push({ http: http++, transport: count === 1 ? 0 : await freePort() })
  return ports
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}

/** @param {string} url */
async function statusOf(url) {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(10_000) })
    await reply.arrayBuffer()
    return reply.status
  } catch {
    return undefined
  }
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} there is such a group
 */
function signalGroup(pid, signal) {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}

/** @param {number} pid */
function isAlive(pid) {
  return signalGroup(pid, 0)
}

/**
 * Wait until a process group is gone; after a minute it is killed.
 *
 * @param {number} pid
 */
async function ended(pid) {
  const deadline = Date.now() + 60_000
  while (isAlive(pid)) {
    if (Date.now() > deadline) signalGroup(pid, 'SIGKILL')
    await sleep(50)
  }
}
