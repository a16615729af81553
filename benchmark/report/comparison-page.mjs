import { machineLine } from '../measure/machine.mjs'
import { reference, summariseSet } from './comparison-summary.mjs'
import { findings, growthTables, setTitle, skippedLines, summaryColumns } from './comparison-text.mjs'
import { wholeNumber } from './numbers.mjs'
import { escape, inlineSvg, page } from './page.mjs'

/**
 * @typedef {import('../comparison/session.mjs').ComparisonResults} ComparisonResults
 * @typedef {import('../comparison/measure.mjs').SetResult} SetResult
 */

/**
 * Micro-benchmarks of kernels, as a program in Rust writes them.
 *
 * @typedef {object} KernelTable
 * @property {string} [machine]
 * @property {string[]} columns
 * @property {(string | number)[][]} rows
 * @property {string[]} [notes]
 */

/**
 * @param {object} parts any of which may be missing
 * @param {{ results: ComparisonResults, svgs: readonly string[] }} [parts.comparison] with a figure a set
 * @param {{ results: ComparisonResults, svg: string }} [parts.growth]
 * @param {KernelTable} [parts.kernels]
 * @returns {string} HTML
 */
export function comparisonPage({ comparison, growth, kernels }) {
  const title = 'nearhash beside other vector search'
  return page(title, [
    `<header><h1>${escape(title)}</h1></header>`,
    ...(comparison ? comparison.results.sets.map((set, place) => setSection(comparison.results, set, comparison.svgs[place])) : []),
    ...(growth ? [growthSection(growth.results, growth.svg)] : []),
    ...(kernels ? [kernelSection(kernels)] : []),
    ...[comparison?.results, growth?.results].filter((results) => results !== undefined).map(methodSection),
  ].join('\n'))
}

/** @param {ComparisonResults} results @param {SetResult} set @param {string} svg */
function setSection(results, set, svg) {
  const summaries = summariseSet(results, set)
  const columns = summaryColumns(reference(summaries))
  return `<section>
<h2>${escape(setTitle(set))}</h2>
${list(findings(summaries))}
${figure(svg, `Recall against queries a second on ${set.name}; the numbers are in the table below`)}
${table(columns, summaries.map((summary) => columns.map(({ cell }) => cell(summary))))}
${list(skippedLines(set))}
</section>`
}

/** @param {ComparisonResults} results @param {string} svg */
function growthSection(results, svg) {
  const columns = [{ title: 'system' }, ...results.sets.map(({ rows }) => ({ title: wholeNumber(rows) })), { title: 'exponent' }]
  const [{ name, metric }] = results.sets
  return `<section>
<h2>Growth: ${escape(name)}</h2>
<p>Up to their number the points are the real rows in random order. ${results.enlarged
    ? `Beyond ${wholeNumber(results.enlarged.realRows)} they are copies of these, each number moved by a Gaussian of standard deviation ${results.enlarged.sigma.toPrecision(3)}, which is .7 d10 / √dim; d10 is the mean distance of real rows to their tenth neighbour.${metric === 'cosine' ? ' Rows have length 1.' : ''}`
    : ''} Queries are held-out real rows, neighbours come from an exact scan.</p>
${figure(svg, 'Time against the number of points; the numbers are in the tables below')}
${growthTables(results).map(({ title, lines }) => `<h3>${escape(title)}</h3>\n${table(columns, lines)}`).join('\n')}
${list(results.sets.flatMap((set) => skippedLines(set).map((line) => `${wholeNumber(set.rows)} points. ${line}`)))}
</section>`
}

/** @param {KernelTable} kernels */
function kernelSection({ machine, columns, rows, notes = [] }) {
  return `<section>
<h2>Kernels against the machine's limits</h2>
${machine === undefined ? '' : `<p>${escape(machine)}</p>`}
${table(columns.map((title) => ({ title })), rows.map((row) => row.map(String)))}
${list(notes)}
</section>`
}

/** @param {ComparisonResults} results */
function methodSection({ kind, machine, settings, rivals }) {
  return `<section>
<h2>${kind === 'growth' ? 'Growth: m' : 'M'}achine and method</h2>
<p>${escape(machineLine(machine))}, ${machine.memoryGiB} GiB memory. ${escape(machine.date)}. Load when it began: ${machine.load.toFixed(1)}.</p>
<p class="faint">${escape(machine.cpuFlags.join(' '))}</p>
<ul>
<li>Each system runs in a process of its own, which takes the times around nothing but calls into the library. One works at a time.</li>
<li>On one thread every setting is timed once in each of ${settings.rounds} rounds that go through the systems in turns, forth and back; numbers are medians, ${settings.clock === 'cpu' ? 'of CPU time of the process' : 'of time on the clock'}. Both clocks are in the raw numbers.</li>
<li>“One call” hands all queries to the library at once, still on one thread: for libraries that answer one after another it is the time of a query without the cost of a call from Python or Node.</li>
<li>Recall counts distinct true neighbours by row number, with points as near as the last one; nothing that a system says about distances is used.</li>
<li>Between two settings time is interpolated: its logarithm linear in that of what is missed. “≤” marks systems whose lowest setting already finds more; “–” those that don't get there.</li>
<li>Where the metric is cosine, systems other than nearhash's get rows of length 1 and search by Euclidean distance, which has the same order.</li>
<li>Bytes are what a system reports or the size of its saved index; beyond the rows means without its own copy of them.</li>
${settings.threads > 1 && kind === 'comparison' ? `<li>Batches run on ${settings.threads} threads, for which indexes are built anew.</li>` : ''}
</ul>
${table([{ title: 'system' }, { title: 'version' }, { title: 'build' }], rivals.map(({ name, version, build }) => [name, version, build]))}
</section>`
}

/** @param {string} svg @param {string} label */
function figure(svg, label) {
  return `<figure role="img" aria-label="${escape(label)}">\n${inlineSvg(svg)}\n</figure>`
}

/** @param {readonly { title: string, explanation?: string }[]} columns @param {readonly (readonly string[])[]} rows */
function table(columns, rows) {
  return `<div class="scroll">
<table>
<thead><tr>${columns.map(({ title, explanation }) => `<th${explanation === undefined ? '' : ` title="${escape(explanation)}"`}>${escape(title)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map((cell) => `<td>${escape(cell)}</td>`).join('')}</tr>`).join('\n')}
</tbody>
</table>
</div>`
}

/** @param {readonly string[]} lines */
function list(lines) {
  return lines.length === 0 ? '' : `<ul>\n${lines.map((line) => `<li>${escape(line)}</li>`).join('\n')}\n</ul>`
}
