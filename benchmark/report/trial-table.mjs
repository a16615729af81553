import { factor, milliseconds, share, wholeNumber } from './numbers.mjs'

/** @typedef {import('../demo/experiment.mjs').Trial} Trial */

/**
 * What a table of trials shows, for the terminal and for the HTML report alike.
 *
 * @param {number} neighbours of which recall counts
 * @returns {{ title: string, explanation: string, cell: (trial: Trial) => string }[]}
 */
export function trialColumns(neighbours) {
  return [
    { title: 'k', explanation: 'hash functions a table', cell: ({ nProjections }) => String(nProjections) },
    { title: 'L', explanation: 'hash tables', cell: ({ nHashTables }) => String(nHashTables) },
    { title: 'probes', explanation: 'further buckets a table', cell: ({ probes }) => String(probes) },
    { title: 'first in 5', explanation: 'share of queries whose true first neighbour is among the first five', cell: ({ firstInTop5 }) => share(firstInTop5) },
    { title: `recall@${neighbours}`, explanation: `share of the ${neighbours} true neighbours among the first ${neighbours}`, cell: ({ recallAt10 }) => share(recallAt10) },
    { title: 'collisions', explanation: 'mean distinct points met a query', cell: ({ collisions }) => wholeNumber(collisions) },
    { title: 'fit ms', explanation: 'building the index', cell: ({ fit }) => milliseconds(fit.median) },
    { title: 'predict ms', explanation: 'all queries in one call', cell: ({ predict }) => milliseconds(predict.median) },
    { title: 'x cdist', explanation: 'how many times as fast as exact cdist', cell: ({ speedUp }) => factor(speedUp) },
    { title: 'x k-NN', explanation: 'how many times as fast as exact k-NN search', cell: ({ speedUpOverKnn }) => factor(speedUpOverKnn) },
  ]
}

/**
 * @param {readonly Trial[]} trials
 * @returns {Trial[][]} neighbours of equal probing and k together
 */
export function groupTrials(trials) {
  /** @type {Trial[][]} */
  const groups = []
  for (const trial of trials) {
    const [previous] = groups.at(-1) ?? []
    if (previous?.probing === trial.probing && previous.nProjections === trial.nProjections) groups.at(-1)?.push(trial)
    else groups.push([trial])
  }
  return groups
}
