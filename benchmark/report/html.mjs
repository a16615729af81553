import { machineLine } from '../measure/machine.mjs'
import { COLOURS } from './figure.mjs'
import { milliseconds, wholeNumber } from './numbers.mjs'
import { familyTitle, finding, introductionText } from './text.mjs'
import { groupTrials, trialColumns } from './trial-table.mjs'

/**
 * @typedef {import('../demo/experiment.mjs').Experiment} Experiment
 * @typedef {import('../demo/experiment.mjs').FamilyResult} FamilyResult
 * @typedef {import('../measure/machine.mjs').Machine} Machine
 */

/** The same parts in the dark, in the order of COLOURS.series. */
const DARK_COLOURS = {
  paper: '#14181f',
  ink: '#e8ecf2',
  faint: '#a3adbb',
  grid: '#2b323d',
  series: ['#6aa8ff', '#ff9a57', '#4fc79a', '#c58bf0', '#ff8a80', '#c9c64a'],
}

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
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>
${style()}
</style>
</head>
<body>
<main>
<header>
<h1>${escape(title)}</h1>
${paragraphs(introductionText(experiment))}
<ul class="findings">
${families.map(({ result }) => `<li><strong>${escape(result.family)}</strong> ${escape(finding(experiment, result))}</li>`).join('\n')}
</ul>
</header>
${families.map(({ result, svg }) => familySection(experiment, result, svg)).join('\n')}
${methodSection(experiment)}
${machineSection(machine)}
</main>
</body>
</html>
`
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

/**
 * @param {string} svg as vega writes it, with a fixed size and fixed colours
 * @returns {string} an element that shrinks with the page and follows its colours
 */
function inlineSvg(svg) {
  let inline = svg
    .replace(/<\?xml[^>]*\?>/, '')
    .replaceAll(/ xmlns(:xlink)?="[^"]*"/g, '')
    .replace(/(<svg[^>]*?) width="[^"]*" height="[^"]*"/, '$1')
  for (const [name, colour] of colourNames(COLOURS)) {
    inline = inline.replaceAll(`="${colour}"`, `="var(--${name})"`)
  }
  return inline
}

/** @param {{ paper: string, ink: string, faint: string, grid: string, series: readonly string[] }} colours @returns {[name: string, colour: string][]} */
function colourNames({ series, ...others }) {
  return [...Object.entries(others), ...series.map((colour, place) => /** @type {[string, string]} */ ([`series-${place + 1}`, colour]))]
}

function style() {
  const variables = (/** @type {Parameters<typeof colourNames>[0]} */ colours) => (
    colourNames(colours).map(([name, colour]) => `--${name}: ${colour};`).join(' ')
  )
  return `:root { ${variables(COLOURS)} }
@media (prefers-color-scheme: dark) { :root { ${variables(DARK_COLOURS)} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 Inter, system-ui, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: clamp(1.35rem, 4.5vw, 1.9rem); line-height: 1.2; margin: 0 0 .8rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
p { margin: .25rem 0; max-width: 46rem; }
ul { padding-left: 1.2rem; max-width: 46rem; }
li { margin: .3rem 0; }
.findings { list-style: none; padding: 0; margin: 1.2rem 0 0; }
.findings li { border-left: 3px solid var(--series-1); padding: .1rem 0 .1rem .8rem; margin: .6rem 0; }
.faint { color: var(--faint); }
figure, .scroll { margin: 1rem 0; overflow-x: auto; }
figure svg { display: block; width: 100%; min-width: 44rem; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; min-width: 100%; }
th, td { padding: .28rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; color: var(--faint); position: sticky; top: 0; background: var(--paper); }
tbody + tbody tr:first-child td { border-top: 2px solid var(--faint); }`
}

/** @param {string} text */
function escape(text) {
  const names = /** @type {Record<string, string>} */ ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })
  return text.replaceAll(/[&<>"']/g, (character) => names[character])
}
