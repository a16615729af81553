import os from 'node:os'
import { runtime } from 'nearhash'

/**
 * @typedef {object} Machine
 * @property {string} cpu
 * @property {number} cores that this process may use
 * @property {number} memoryGiB
 * @property {string} os
 * @property {string} node
 * @property {string} nearhash
 * @property {number} threads of nearhash's pool
 * @property {string} kernel the instruction set nearhash's kernels run on
 * @property {string} date ISO 8601, UTC
 */

/** @returns {Machine} what the numbers of this run were measured on */
export function describeMachine() {
  const { version, threads, cpu } = runtime()
  return {
    cpu: os.cpus()[0]?.model.trim().replaceAll(/\s+/g, ' ') || 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    nearhash: version,
    threads,
    kernel: cpu,
    date: new Date().toISOString(),
  }
}

/** @param {Machine} machine @returns {string} one line */
export function machineLine(machine) {
  return `${machine.cpu}, ${count(machine.cores, 'core')}, ${machine.os}, Node ${machine.node}, `
    + `nearhash ${machine.nearhash} on ${count(machine.threads, 'thread')} with ${machine.kernel} kernels`
}

/** @param {number} number @param {string} noun */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
