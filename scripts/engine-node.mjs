// How one node of each release is configured and started.

import { chownSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ROOT } from './command.mjs'

/** @typedef {import('./engine-releases.mjs').Release} Release */

/**
 * @typedef {object} NodePorts
 * @property {number} http
 * @property {number} transport
 */

/**
 * A node to be.
 *
 * @typedef {object} NodePlan
 * @property {Release} release
 * @property {string} files that were fetched of the release
 * @property {string} folder of the cluster
 * @property {readonly NodePorts[]} ports of all nodes
 * @property {number} i which of them
 * @property {string} heap as Java writes it
 * @property {boolean} fast the optimising compiler and vector instructions too, which cost at the start
 * @property {string} home of Java
 * @property {string | undefined} plugin folder of OpenSearch's k-NN plugin
 */

/**
 * What starts a node.
 *
 * @typedef {object} NodeCommand
 * @property {string} command
 * @property {string[]} args
 * @property {Record<string, string>} env
 * @property {number | undefined} owner user and group to run as; undefined: this one
 */

/** Elasticsearch's archive refuses to run as root; "nobody" has this id on Linux. */
const NOBODY = 65534

/** @param {Pick<NodePlan, 'folder' | 'i'>} plan */
export function nodeFolder({ folder, i }) {
  return join(folder, `node-${i + 1}`)
}

/**
 * Write a node's configuration.
 *
 * @param {NodePlan} plan
 * @returns {NodeCommand}
 */
export function prepareNode(plan) {
  mkdirSync(join(nodeFolder(plan), 'config'), { recursive: true })
  if (plan.release.form === 'runner') return prepareRunner(plan)
  return plan.release.form === 'archive' ? prepareArchive(plan) : prepareServerJar(plan)
}

/** @param {NodePlan} plan @returns {NodeCommand} */
function prepareRunner(plan) {
  const { release, ports, i, plugin, files } = plan
  const own = nodeFolder(plan)
  const addresses = addressesOf(plan)
  const settings = settingsOf(plan)
  // By address and in one node only: the runner calls every node "Node 1".
  const beginner = ports.length > 1 && i === 0 ? addresses[0] : undefined
  if (beginner !== undefined) settings.push(`cluster.initial_cluster_manager_nodes: [${beginner}]`)
  // From 3 on the runner's own program makes every node that is started alone a cluster by itself.
  const program = release.version.startsWith('2.')
    ? ['org.codelibs.opensearch.runner.OpenSearchRunner']
    : [join(ROOT, 'scripts', 'OpenSearchNode.java'), ports.length === 1 ? 'single-node' : 'zen', beginner?.replaceAll('"', '') ?? 'none']
  writeSettings(join(own, 'config', 'opensearch.yml'), settings)
  const args = [
    ...javaOptions(plan),
    ...['-Dio.netty.noUnsafe=true', '-Dio.netty.noKeySetOptimization=true'],
    ...['-cp', [files, ...(plugin === undefined ? [] : [plugin])].map((jars) => join(jars, '*')).join(delimiter)],
    ...program,
    ...(plugin === undefined ? [] : ['-pluginTypes', 'org.opensearch.knn.plugin.KNNPlugin']),
    ...['-basePath', join(own, 'data'), '-confPath', join(own, 'config'), '-clusterName', clusterName(plan)],
    // The runner adds the number of the node, which is 1 in every process.
    ...['-numOfNode', '1', '-baseHttpPort', String(portsOf(plan).http - 1)],
  ]
  return { command: javaCommand(plan), args, env: {}, owner: undefined }
}

/** @param {NodePlan} plan @returns {NodeCommand} */
function prepareArchive(plan) {
  const own = nodeFolder(plan)
  const conf = join(own, 'config')
  const settings = ['xpack.security.enabled: false', 'xpack.security.autoconfiguration.enabled: false']
  writeElasticsearch(plan, settings)
  writeFileSync(join(conf, 'jvm.options'), `${javaOptions(plan).join('\n')}\n`)
  const temporary = join(own, 'tmp')
  mkdirSync(temporary)
  let home = plan.files
  const owner = process.getuid?.() === 0 ? NOBODY : undefined
  if (owner !== undefined) {
    for (const path of [own, conf, temporary]) chownSync(path, owner, owner)
    // Nobody may not be able to read what is in this clone.
    home = join(own, 'home')
    cpSync(plan.files, home, { recursive: true })
  }
  return {
    command: join(home, 'bin', 'elasticsearch'),
    args: [],
    env: {
      ES_PATH_CONF: conf,
      ES_TMPDIR: temporary,
      // The launcher is a Java program too, with a heap it does not need.
      CLI_JAVA_OPTS: '-Xms16m -Xmx64m',
      ES_JAVA_HOME: plan.home,
    },
    owner,
  }
}

/** @param {NodePlan} plan @returns {NodeCommand} */
function prepareServerJar(plan) {
  const conf = join(nodeFolder(plan), 'config')
  writeElasticsearch(plan, [])
  const args = [
    ...javaOptions(plan),
    ...[`-Des.path.home=${plan.files}`, '--enable-native-access=ALL-UNNAMED'],
    ...['-cp', join(plan.files, 'lib', '*'), join(ROOT, 'scripts', 'ElasticsearchNode.java'), plan.files, conf],
  ]
  return { command: javaCommand(plan), args, env: {}, owner: undefined }
}

/**
 * @param {NodePlan} plan
 * @param {readonly string[]} more settings
 */
function writeElasticsearch(plan, more) {
  const own = nodeFolder(plan)
  const settings = [
    ...settingsOf(plan),
    ...[`cluster.name: ${clusterName(plan)}`, `node.name: node-${plan.i + 1}`, 'http.port: 0'],
    ...[`path.data: ${join(own, 'data')}`, `path.logs: ${join(own, 'logs')}`],
    ...more,
  ]
  if (plan.ports.length > 1) {
    settings.push(`cluster.initial_master_nodes: [${plan.ports.map((_, n) => `node-${n + 1}`).join(', ')}]`)
  }
  writeSettings(join(own, 'config', 'elasticsearch.yml'), settings)
  writeSettings(join(own, 'config', 'log4j2.properties'), [
    'appender.console.type = Console',
    'appender.console.name = console',
    'appender.console.layout.type = PatternLayout',
    'appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n',
    'rootLogger.level = info',
    'rootLogger.appenderRef.console.ref = console',
  ])
}

/**
 * Settings that all have in common.
 *
 * @param {NodePlan} plan
 */
function settingsOf(plan) {
  return [
    'network.host: 127.0.0.1',
    `transport.port: ${portsOf(plan).transport}`,
    'cluster.routing.allocation.disk.threshold_enabled: false',
    'action.auto_create_index: false',
    plan.ports.length === 1 ? 'discovery.type: single-node' : `discovery.seed_hosts: [${addressesOf(plan).join(', ')}]`,
  ]
}

/** @param {NodePlan} plan */
function javaOptions({ heap, fast }) {
  const speed = fast ? ['--add-modules=jdk.incubator.vector'] : ['-XX:TieredStopAtLevel=1']
  return [`-Xms${heap}`, `-Xmx${heap}`, '-XX:+UseSerialGC', ...speed]
}

/** @param {NodePlan} plan */
function javaCommand({ home }) {
  return join(home, 'bin', 'java')
}

/** @param {NodePlan} plan */
function portsOf({ ports, i }) {
  return /** @type {NodePorts} */ (ports[i])
}

/** @param {NodePlan} plan */
function addressesOf({ ports }) {
  return ports.map(({ transport }) => `"127.0.0.1:${transport}"`)
}

/**
 * A name no other cluster has: nodes with the default name would look for one another.
 *
 * @param {NodePlan} plan
 */
function clusterName({ folder }) {
  return `nearhash-${folder.slice(-6)}`
}

/**
 * @param {string} file
 * @param {readonly string[]} lines
 */
function writeSettings(file, lines) {
  writeFileSync(file, `${lines.join('\n')}\n`)
}
