import { machineLine } from '../measure/machine.mjs'
import { milliseconds, wholeNumber } from './numbers.mjs'
import { escape, inlineSvg, page } from './page.mjs'
import { familyTitle, finding, introductionText } from './text.mjs'
import { groupTrials, trialColumns } from './trial-table.mjs'

/**
 * @typedef {import('../demo/experiment.mjs').Experiment} Experiment
 * @typedef {import('../demo/experiment.mjs').FamilyResult} FamilyResult
 * @typedef {import('../measure/machine.mjs').Machine} Machine
 */

/**
 * One HTML page with everything in it: tables, figures, machine and method. It loads nothing, so it can
 * be mailed, archived or opened without a network.
 *
 * @param {object} parts
 * @param {Experiment} parts.experiment
 * @param {Machine} parts.machine
 * @param {string} parts.dataName
 * @param {readonly { result: FamilyResult, svg: string }[]} parts.families with their figures
 * @returns {string}
 */
export function htmlReport({ experiment, machine, dataName, families }) {
  const title = `LSH beside exact search: ${dataName}`
  return page(title, `<header>
<h1>${escape(title)}</h1>
${paragraphs(introductionText(experiment))}
<ul class="findings">
${families.map(({ result }) => `<li><strong>${escape(result.family)}</strong> ${escape(finding(experiment, result))}</li>`).join('\n')}
</ul>
</header>
${families.map(({ result, svg }) => familySection(experiment, result, svg)).join('\n')}
${methodSection(experiment)}
${machineSection(machine)}`)
}

/** @param {Experiment} experiment @param {FamilyResult} result @param {string} svg */
function familySection(experiment, result, svg) {
  const columns = trialColumns(experiment.neighbours)
  const { cdist, knn } = result.exact
  return `<section>
<h2>${escape(familyTitle(experiment, result))}</h2>
<figure role="img" aria-label="${escape(`Recall, query time and fit time of ${result.family} against tables and probes; the numbers are in the table below`)}">
${inlineSvg(svg)}
</figure>
<p>Exact search in the same run, all ${wholeNumber(experiment.queries)} queries: cdist ${milliseconds(cdist.median)} ms, k-NN ${milliseconds(knn.median)} ms.</p>
<div class="scroll">
<table>
<thead><tr>${columns.map(({ title, explanation }) => `<th title="${escape(explanation)}">${escape(title)}</th>`).join('')}</tr></thead>
${groupTrials(result.trials).map((group) => `<tbody>
${group.map((trial) => `<tr>${columns.map(({ cell }) => `<td>${escape(cell(trial))}</td>`).join('')}</tr>`).join('\n')}
</tbody>`).join('\n')}
</table>
</div>
</section>`
}

/** @param {Experiment} experiment */
function methodSection(experiment) {
  const { queries, neighbours, r, seed, families } = experiment
  const timings = families.flatMap(({ trials }) => trials)
  const runs = (/** @type {'fit' | 'predict'} */ of) => range(timings.map((trial) => trial[of].runs))
  const blocking = families.every(({ calls }) => calls === 'blocking')
  return `<section>
<h2>How it was measured</h2>
<ul>
<li>Queries are the first ${wholeNumber(queries)} rows. Each finds itself first, so one neighbour more is asked for and the own row is dropped, for LSH and exact search alike.</li>
<li>Points are scaled by 1 / R to single precision. Exact search and every index get these same points and the same number of threads.</li>
<li>Recall@${neighbours} is the share of the ${neighbours} true neighbours among the first ${neighbours} of an answer; a point as near as the last true neighbour counts as one.</li>
<li>“First in 5” is the share of queries whose true first neighbour is among the first five of the answer.</li>
<li>Collisions are the distinct points met in the probed buckets, the own row not counted.</li>
<li>Times are medians: ${runs('predict')} runs of one call with all queries after two warm-up calls, ${runs('fit')} fits, each of a new index. Exact search: ${range(families.flatMap(({ exact }) => [exact.cdist.runs, exact.knn.runs]))} runs, half before and half after the indexes. The bars behind the points of a figure hold the middle half of the runs.</li>
<li>${blocking
    ? 'Queries and exact search are blocking calls: a promise call would copy all points first, for which only exact search would pay.'
    : 'Queries and exact search are promise calls where a blocking one would take over a second; exact search then pays for a copy of the points in each call.'}</li>
<li>cdist computes every distance; exact k-NN search also picks the nearest and doesn't write the distances down, so it is the harder rival.</li>
<li>L2 has bucket width r = ${r} in scaled units. Seed ${seed}. Multi-probe runs on the fewest tables.</li>
</ul>
</section>`
}

/** @param {Machine} machine */
function machineSection(machine) {
  return `<section>
<h2>Machine</h2>
<p>${escape(machineLine(machine))}, ${machine.memoryGiB} GiB memory. ${escape(machine.date)}.</p>
<p class="faint">The numbers behind this page, with fastest and slowest runs, are in results.json beside it.</p>
</section>`
}

/** @param {readonly number[]} values @returns {string} such as '5 to 51' */
function range(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? String(low) : `${low} to ${high}`
}

/** @param {string} text @returns {string} a paragraph a line */
function paragraphs(text) {
  return text.split('\n').filter(Boolean).map((line) => `<p>${escape(line)}</p>`).join('\n')
}
