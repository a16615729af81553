import { factor, milliseconds, share, wholeNumber } from './numbers.mjs'
import { textTable } from './table.mjs'
import { groupTrials, trialColumns } from './trial-table.mjs'

/**
 * @typedef {import('../demo/experiment.mjs').Experiment} Experiment
 * @typedef {import('../demo/experiment.mjs').FamilyResult} FamilyResult
 */

/** Recall that is near enough to exact for most uses; what the one-line findings ask for. */
const GOOD_RECALL = 0.95

/** @param {Experiment} experiment @returns {string} the lines that stand before the tables */
export function introductionText(experiment) {
  const { rows, dim, queries, meanDistance, R, nearShare } = experiment
  return [
    `${wholeNumber(rows)} points x ${dim}; the first ${wholeNumber(queries)} are the queries, each one's own row ignored.`,
    `Mean distance ${significant(meanDistance)}, so R = mean / 2.5 = ${significant(R)}; all points are scaled by 1 / R.`,
    `True first neighbour nearer than 1 for ${(100 * nearShare).toFixed(0)} % of the queries.`,
    ...experiment.notes,
    '',
  ].join('\n')
}

/** @param {Experiment} experiment @param {FamilyResult} result @returns {string} heading, table and finding of one hash family */
export function familyText(experiment, result) {
  const columns = trialColumns(experiment.neighbours)
  const groups = groupTrials(result.trials).map((group) => group.map((trial) => columns.map(({ cell }) => cell(trial))))
  return [
    familyTitle(experiment, result),
    `exact, same run: cdist ${milliseconds(result.exact.cdist.median)} ms, k-NN ${milliseconds(result.exact.knn.median)} ms for all queries`,
    '',
    textTable(columns, groups),
    finding(experiment, result),
    '',
  ].join('\n')
}

/** @param {Experiment} experiment @param {FamilyResult} result */
export function familyTitle({ r }, { family, metric }) {
  return family === 'L2' ? `L2, Euclidean distance, bucket width r = ${r}` : `${family}, ${metric} distance`
}

/**
 * @param {Experiment} experiment
 * @param {FamilyResult} result
 * @returns {string} the fastest trial of good recall against the faster of the two exact searches, in one sentence
 */
export function finding({ neighbours }, { trials, exact }) {
  const [fastest] = trials
    .filter(({ recallAt10 }) => recallAt10 >= GOOD_RECALL)
    .sort((a, b) => a.predict.median - b.predict.median)
  if (!fastest) return `No setting reaches recall@${neighbours} of ${share(GOOD_RECALL)} here.`
  const { nProjections, nHashTables, probes, recallAt10, predict } = fastest
  const setting = `k = ${nProjections}, L = ${nHashTables}${probes > 0 ? `, ${probes} probes` : ''}`
  const ratio = Math.min(exact.cdist.median, exact.knn.median) / predict.median
  const comparison = ratio >= 1
    ? `${factor(ratio)} times as fast as the faster exact search`
    : `which is slower than the faster exact search, ${factor(1 / ratio)} times its time`
  return `Fastest with recall@${neighbours} of at least ${share(GOOD_RECALL)}: ${setting}, recall ${share(recallAt10)} in ${milliseconds(predict.median)} ms, ${comparison}.`
}

/** @param {number} value @returns {string} four significant digits */
function significant(value) {
  return value >= 1000 ? wholeNumber(value) : String(Number(value.toPrecision(4)))
}
