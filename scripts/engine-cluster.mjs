// A search engine of one node or several, each in a process of its own, for tests and benchmarks.

import { spawn } from 'node:child_process'
import { chmodSync, chownSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run, StepError } from './command.mjs'
import { ENGINE_FOLDER, engineFiles, javaCommand, javaHome, nearestNeighbourPlugin } from './engine-files.mjs'

/** @typedef {import('./engine-files.mjs').Flavour} Flavour */

/**
 * One node.
 *
 * @typedef {object} EngineNode
 * @property {string} url where it answers over HTTP
 * @property {number} pid also the id of its process group
 */

/**
 * @typedef {object} ClusterOptions
 * @property {Flavour} [flavour] default: opensearch
 * @property {number} [nodes] default: 1
 * @property {string} [heap] of each node, as Java writes it; default: 512m
 * @property {boolean} [knn] OpenSearch with its own k-NN plugin; default: false
 * @property {boolean} [keep] let the nodes outlive this process; default: false
 */

/** Green takes 10 to 60 seconds on an idle machine; this is for a busy one. */
const START_SECONDS = 300

/** Elasticsearch refuses to run as root; "nobody" has this id on Linux. */
const NOBODY = 65534

/** Where a cluster says what it consists of, in its folder. */
export const CLUSTER_FILE = 'cluster.json'

export class EngineCluster {
  /**
   * @param {Flavour} flavour
   * @param {string} folder everything the nodes write
   * @param {EngineNode[]} nodes
   */
  constructor(flavour, folder, nodes) {
    this.flavour = flavour
    this.folder = folder
    this.nodes = nodes
    this.killAll = () => {
      for (const { pid } of this.nodes) signalGroup(pid, 'SIGKILL')
    }
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
  static async start({ flavour = 'opensearch', nodes: count = 1, heap = '512m', knn = false, keep = false } = {}) {
    const files = await engineFiles(flavour)
    const folder = mkdtempSync(join(ENGINE_FOLDER, 'cluster-'))
    chmodSync(folder, 0o755)
    const ports = await freePorts(count)
    const home = await javaHome()
    const plugin = knn ? await nearestNeighbourPlugin() : undefined
    const cluster = new EngineCluster(flavour, folder, [])
    if (!keep) process.once('exit', cluster.killAll)
    try {
      for (const i of ports.keys()) {
        const { command, args, env, http, owner } = nodeCommand({ flavour, files, folder, ports, i, heap, home, plugin })
        const log = openSync(join(folder, `node-${i + 1}.log`), 'a')
        const child = spawn(command, args, {
          cwd: join(folder, `node-${i + 1}`),
          env: { ...process.env, ...env },
          stdio: ['ignore', log, log],
          // A group of its own: Elasticsearch's launcher has the server as a child.
          detached: true,
          ...(owner === undefined ? {} : { uid: owner, gid: owner }),
        })
        closeSync(log)
        await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
        child.unref()
        cluster.nodes.push({ url: `http://127.0.0.1:${http}`, pid: /** @type {number} */ (child.pid) })
        writeFileSync(join(folder, CLUSTER_FILE), JSON.stringify({ flavour, nodes: cluster.nodes }))
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

  /**
   * Wait until the cluster is green with so many nodes.
   *
   * @param {number} [nodes] default: all that were started
   */
  async green(nodes = this.nodes.length) {
    const deadline = Date.now() + START_SECONDS * 1000
    const path = `/_cluster/health?wait_for_status=green&wait_for_nodes=${nodes}&timeout=5s`
    for (;;) {
      if (this.nodes.some(({ pid }) => !isAlive(pid))) throw new StepError(`a node of ${this.flavour} ended`)
      if ((await statusOf(`${this.url}${path}`)) === 200) return
      if (Date.now() > deadline) throw new StepError(`${this.flavour} was not green after ${START_SECONDS} s`)
      await sleep(200)
    }
  }

  /**
   * End of what a node wrote.
   *
   * @param {number} i
   */
  log(i) {
    try {
      return readFileSync(join(this.folder, `node-${i + 1}.log`), 'utf8').slice(-4000)
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
    signalGroup(node.pid, 'SIGKILL')
    await ended(node.pid)
  }

  /** Stop every node, wait for that, and remove the folder. */
  async stop() {
    process.off('exit', this.killAll)
    for (const { pid } of this.nodes) signalGroup(pid, 'SIGTERM')
    for (const { pid } of this.nodes) await ended(pid)
    this.nodes = []
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/**
 * The cluster that another process has left in this folder, or undefined. Process ids are used again by the system:
 * only processes that name the folder are taken for nodes.
 *
 * @param {string} folder
 * @returns {Promise<EngineCluster | undefined>}
 */
export async function clusterIn(folder) {
  let flavour, nodes
  try {
    ;({ flavour, nodes } = JSON.parse(readFileSync(join(folder, CLUSTER_FILE), 'utf8')))
  } catch {
    return undefined
  }
  const own = []
  for (const node of /** @type {EngineNode[]} */ (nodes)) {
    const { output } = await run('ps', ['-ww', '-o', 'args=', '-p', String(node.pid)])
    const group = await run('ps', ['-ww', '-o', 'args=', '-g', String(node.pid)])
    if (`${output}${group.output}`.includes(folder)) own.push(node)
  }
  return new EngineCluster(flavour, folder, own)
}

/**
 * @typedef {object} NodePorts
 * @property {number} http
 * @property {number} transport
 */

/**
 * What starts one node, with its configuration written.
 *
 * @param {object} node
 * @param {Flavour} node.flavour
 * @param {string} node.files
 * @param {string} node.folder
 * @param {readonly NodePorts[]} node.ports of all nodes
 * @param {number} node.i
 * @param {string} node.heap
 * @param {string} node.home of Java
 * @param {string | undefined} node.plugin folder of the k-NN plugin
 */
function nodeCommand({ flavour, files, folder, ports, i, heap, home, plugin }) {
  const own = join(folder, `node-${i + 1}`)
  const conf = join(own, 'config')
  mkdirSync(conf, { recursive: true })
  const { http, transport } = /** @type {NodePorts} */ (ports[i])
  const addresses = ports.map((port) => `"127.0.0.1:${port.transport}"`)
  const settings = [
    'network.host: 127.0.0.1',
    `transport.port: ${transport}`,
    'cluster.routing.allocation.disk.threshold_enabled: false',
    'action.auto_create_index: false',
  ]
  const java = [`-Xms${heap}`, `-Xmx${heap}`, '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  const env = {}

  if (flavour === 'opensearch') {
    if (ports.length === 1) settings.push('discovery.type: single-node')
    else settings.push(`discovery.seed_hosts: [${addresses.join(', ')}]`)
    // By address and in one node only: the runner calls every node "Node 1".
    if (ports.length > 1 && i === 0) settings.push(`cluster.initial_cluster_manager_nodes: [${addresses[0]}]`)
    writeFileSync(join(conf, 'opensearch.yml'), `${settings.join('\n')}\n`)
    const args = [
      ...java,
      ...['-Dio.netty.noUnsafe=true', '-Dio.netty.noKeySetOptimization=true'],
      ...['-cp', [files, ...(plugin === undefined ? [] : [plugin])].map((jars) => join(jars, '*')).join(delimiter)],
      ...['org.codelibs.opensearch.runner.OpenSearchRunner'],
      ...(plugin === undefined ? [] : ['-pluginTypes', 'org.opensearch.knn.plugin.KNNPlugin']),
      ...['-basePath', join(own, 'data'), '-confPath', conf, '-clusterName', clusterName(folder)],
      // The runner adds the number of the node, which is 1 in every process.
      ...['-numOfNode', '1', '-baseHttpPort', String(http - 1)],
    ]
    return { command: javaCommand(), args, env, http, owner: undefined }
  }

  settings.push(
    `cluster.name: ${clusterName(folder)}`,
    `node.name: node-${i + 1}`,
    `http.port: ${http}`,
    `path.data: ${join(own, 'data')}`,
    `path.logs: ${join(own, 'logs')}`,
    'xpack.security.enabled: false',
    'xpack.security.autoconfiguration.enabled: false',
  )
  if (ports.length === 1) settings.push('discovery.type: single-node')
  else {
    const names = ports.map((_, n) => `node-${n + 1}`)
    settings.push(`discovery.seed_hosts: [${addresses.join(', ')}]`, `cluster.initial_master_nodes: [${names.join(', ')}]`)
  }
  writeFileSync(join(conf, 'elasticsearch.yml'), `${settings.join('\n')}\n`)
  writeFileSync(join(conf, 'jvm.options'), `${java.join('\n')}\n`)
  writeFileSync(
    join(conf, 'log4j2.properties'),
    [
      'appender.console.type = Console',
      'appender.console.name = console',
      'appender.console.layout.type = PatternLayout',
      'appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n',
      'rootLogger.level = info',
      'rootLogger.appenderRef.console.ref = console',
      '',
    ].join('\n'),
  )
  const temporary = join(own, 'tmp')
  mkdirSync(temporary)
  const owner = process.getuid?.() === 0 ? NOBODY : undefined
  if (owner !== undefined) for (const path of [own, conf, temporary]) chownSync(path, owner, owner)
  return {
    command: join(files, 'bin', 'elasticsearch'),
    args: [],
    env: {
      ES_PATH_CONF: conf,
      ES_TMPDIR: temporary,
      // The launcher is a Java program too, with a heap it does not need.
      CLI_JAVA_OPTS: '-Xms16m -Xmx64m',
      ES_JAVA_HOME: home,
    },
    http,
    owner,
  }
}

/**
 * A name no other cluster has: nodes with the default name would look for one another.
 *
 * @param {string} folder
 */
function clusterName(folder) {
  return `nearhash-${folder.slice(-6)}`
}

/**
 * Free ports for so many nodes. The runner takes HTTP ports below 9300 only.
 *
 * @param {number} count
 * @returns {Promise<NodePorts[]>}
 */
async function freePorts(count) {
  /** @type {NodePorts[]} */
  const ports = []
  for (let http = 9211; http < 9300 && ports.length < count; http++) {
    if ((await listen(http)) !== undefined) ports.push({ http, transport: (await listen(0)) ?? 0 })
  }
  if (ports.length < count) throw new StepError(`fewer than ${count} ports from 9211 to 9299 are free`)
  return ports
}

/**
 * @param {number} port 0: any
 * @returns {Promise<number | undefined>} the port, or undefined when it is taken
 */
function listen(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(address.port))
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
