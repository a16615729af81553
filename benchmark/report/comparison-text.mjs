import { catchUp, COMPARED_RECALLS, growthLines, reference, summariseSet } from './comparison-summary.mjs'
import { factor, share, wholeNumber } from './numbers.mjs'
import { textTable } from './table.mjs'

/**
 * @typedef {import('../comparison/session.mjs').ComparisonResults} ComparisonResults
 * @typedef {import('../comparison/measure.mjs').SetResult} SetResult
 * @typedef {import('./comparison-summary.mjs').RivalSummary} RivalSummary
 */

/**
 * What the table of a set shows, for the terminal and for the HTML report alike.
 *
 * @param {RivalSummary} [compared] whose times the others are divided by
 * @returns {{ title: string, explanation: string, align?: 'left', cell: (summary: RivalSummary) => string }[]}
 */
export function summaryColumns(compared) {
  return [
    { title: 'system', explanation: 'at the settings that need least time', align: 'left', cell: ({ name }) => name },
    { title: 'plan', explanation: 'the fastest at recall@10 of .95', align: 'left', cell: ({ plan }) => plan ?? '' },
    ...COMPARED_RECALLS.map((recall, place) => ({
      title: `µs @${shortShare(recall)}`,
      explanation: `microseconds of a query at recall@10 of ${recall}, one thread, a call a query; ≤ where the lowest setting already finds more`,
      cell: (/** @type {RivalSummary} */ { times, exact }) => time(times[place], exact),
    })),
    ...COMPARED_RECALLS.map((recall, place) => ({
      title: `× @${shortShare(recall)}`,
      explanation: `how many times the time of ${compared?.name ?? 'the first'} at ${recall}`,
      cell: (/** @type {RivalSummary} */ { times }) => ratio(times[place]?.time, compared?.times[place]?.time),
    })),
    { title: 'one call', explanation: 'microseconds of a query at .95, one thread, one call for all queries', cell: ({ oneCall, exact }) => (oneCall === undefined ? '' : time(oneCall, exact)) },
    { title: 'batch q/s', explanation: 'queries a second at .95 or just above, one call on all threads', cell: ({ queriesPerSecond }) => (queriesPerSecond === undefined ? '' : wholeNumber(queriesPerSecond)) },
    { title: 'p5', explanation: 'recall@10 that 95 % of the queries have, at the setting next above .95', cell: ({ p5 }) => (p5 === undefined ? '' : share(p5)) },
    { title: 'p1', explanation: 'recall@10 that 99 % of the queries have, there', cell: ({ p1 }) => (p1 === undefined ? '' : share(p1)) },
    { title: 'build s', explanation: 'seconds to build, one thread', cell: ({ buildSeconds }) => seconds(buildSeconds) },
    { title: '× build', explanation: `how many times the time that ${compared?.name ?? 'the first'} takes to build`, cell: ({ buildSeconds }) => ratio(buildSeconds, compared?.buildSeconds) },
    { title: 'all threads', explanation: 'seconds to build on all threads', cell: ({ parallelBuildSeconds }) => (parallelBuildSeconds === undefined ? '' : seconds(parallelBuildSeconds)) },
    { title: 'B/vector', explanation: 'bytes a vector, with the index\'s own copy of the vectors', cell: ({ bytesPerVector }) => wholeNumber(bytesPerVector) },
    { title: 'beyond rows', explanation: 'of these, bytes beyond the vectors themselves', cell: ({ extraBytesPerVector }) => wholeNumber(extraBytesPerVector) },
  ]
}

/** @param {ComparisonResults} results @param {SetResult} set @returns {string} */
export function setText(results, set) {
  const summaries = summariseSet(results, set)
  const columns = summaryColumns(reference(summaries))
  return [
    setTitle(set),
    '',
    textTable(columns, [summaries.map((summary) => columns.map(({ cell }) => cell(summary)))]),
    ...findings(summaries),
    ...skippedLines(set),
    '',
  ].join('\n')
}

/** @param {SetResult} set */
export function setTitle({ name, rows, dim, metric, judged }) {
  return `${name}: ${wholeNumber(rows)} x ${dim}, ${metric}, ${wholeNumber(judged)} queries`
}

/**
 * @param {readonly RivalSummary[]} summaries
 * @returns {string[]} sentences: how the reference stands against the fastest of the others and against exact search
 */
export function findings(summaries) {
  const own = reference(summaries)
  const time = own?.times[0]?.time
  if (own === undefined || time === undefined) return []
  const lines = []
  const [fastest] = summaries
    .filter(({ name }) => !name.startsWith('nearhash'))
    .flatMap((summary) => (summary.times[0] ? [{ summary, time: summary.times[0].time }] : []))
    .sort((a, b) => a.time - b.time)
  if (fastest) {
    const ahead = fastest.time >= time
    lines.push(`At recall@10 of .95 ${own.name} takes ${microseconds(time)} µs a query; the fastest other, ${fastest.summary.name}, ${microseconds(fastest.time)} µs, ${factor(ahead ? fastest.time / time : time / fastest.time)} times ${ahead ? 'as long' : 'faster'}.`)
    const queries = catchUp(own, fastest.summary)
    if (queries !== undefined) lines.push(`With build time, the one that builds faster is ahead for the first ${wholeNumber(queries)} queries.`)
  }
  const exact = summaries.find(({ id }) => id === 'exact')
  const queries = exact && exact !== own ? catchUp(own, exact) : undefined
  if (queries !== undefined) lines.push(`Building ${own.name} pays from ${wholeNumber(Math.ceil(queries))} queries on, against exact scan.`)
  return lines
}

/** @param {SetResult} set */
export function skippedLines({ skipped }) {
  return skipped.map(({ name, plan, reason }) => `Left out: ${name}${plan === undefined ? '' : `, ${plan}`}: ${reason}`)
}

/**
 * A compact table of all sets in Markdown, for a README.
 *
 * @param {ComparisonResults} results
 * @returns {string}
 */
export function markdownTable(results) {
  const perSet = results.sets.map((set) => ({ set, summaries: summariseSet(results, set) }))
  const heads = perSet.flatMap(({ set }) => [`${set.name} µs @.95 / .99`, 'build s', 'B/vector'])
  const rows = results.rivals.map(({ id, name, version }) => {
    const cells = perSet.flatMap(({ summaries }) => {
      const summary = summaries.find((one) => one.id === id)
      if (summary === undefined) return ['', '', '']
      const { times, exact, buildSeconds, bytesPerVector } = summary
      return [exact ? time(times[0], true) : `${time(times[0], false)} / ${time(times[2], false)}`, seconds(buildSeconds), wholeNumber(bytesPerVector)]
    })
    return `| ${name} ${version} | ${cells.join(' | ')} |`
  })
  return [`| | ${heads.join(' | ')} |`, `| --- |${heads.map(() => ' ---: |').join('')}`, ...rows, ''].join('\n')
}

/** @param {ComparisonResults} results of kind growth @returns {string} */
export function growthText(results) {
  const sizes = results.sets.map(({ rows }) => rows)
  const columns = [
    { title: 'system', align: /** @type {const} */ ('left') },
    ...sizes.map((size) => ({ title: wholeNumber(size) })),
    { title: 'exponent' },
  ]
  return growthTables(results).map(({ title, lines }) => [
    title,
    '',
    textTable(columns, [lines]),
  ].join('\n')).join('\n')
}

/**
 * @param {ComparisonResults} results of kind growth
 * @returns {{ title: string, lines: string[][] }[]} a line a system: name, a number a size, the exponent
 */
export function growthTables(results) {
  return /** @type {const} */ ([0.95, 0.98, 'build']).map((what) => ({
    title: what === 'build' ? 'seconds to build, one thread' : `µs a query at recall@10 of ${what}, one thread`,
    lines: growthLines(results, what).map(({ name, points, exponent }) => [
      name,
      ...results.sets.map(({ rows }) => {
        const found = points.find(({ n }) => n === rows)
        return found === undefined ? '' : what === 'build' ? seconds(found.time) : microseconds(found.time)
      }),
      exponent === undefined ? '' : exponent.toFixed(2),
    ]),
  }))
}

/** @param {import('../measure/recall-curve.mjs').TimeAtRecall | undefined} found @param {boolean} exact */
function time(found, exact) {
  if (found === undefined) return '–'
  return `${found.basis === 'above' && !exact ? '≤ ' : ''}${microseconds(found.time)}`
}

/** @param {number | undefined} value @param {number | undefined} unit */
function ratio(value, unit) {
  // Nothing is built for an exact scan, so nothing can be compared with it.
  return value === undefined || unit === undefined || !(unit > 1e-3) ? '' : factor(value / unit)
}

/** @param {number} recall @returns {string} .95 */
function shortShare(recall) {
  return share(recall).replace(/0$/, '')
}

/** @param {number} value */
function microseconds(value) {
  return value >= 100 ? wholeNumber(value) : value.toFixed(1)
}

/** @param {number} value */
function seconds(value) {
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
