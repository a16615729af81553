import { milliseconds, wholeNumber } from './numbers.mjs'
import { COLOURS, DASHED, DOTTED, frame, grid, legend, LEGEND_HEIGHT, logDomain, logTicks, panel, PANEL, seriesColour, SOLID } from './panel.mjs'

/**
 * @typedef {import('../demo/experiment.mjs').Experiment} Experiment
 * @typedef {import('../demo/experiment.mjs').FamilyResult} FamilyResult
 * @typedef {import('../demo/experiment.mjs').Trial} Trial
 * @typedef {import('./panel.mjs').FigureSpec} FigureSpec
 * @typedef {import('./panel.mjs').Layer} Layer
 */

/**
 * The six panels of one hash family: recall, query time and fit time, against the number of tables above
 * and against the multi-probe budget below.
 *
 * @param {Experiment} experiment
 * @param {FamilyResult} result
 * @param {{ dataName: string, threads: number }} context
 * @returns {FigureSpec} vega-lite, data included
 */
export function sixPanels(experiment, result, { dataName, threads }) {
  const { exact, trials } = result
  const series = [...new Set(trials.map(({ nProjections }) => nProjections))].map((k) => `k = ${k}`)
  const colour = {
    field: 'series', type: 'nominal', sort: series,
    scale: { domain: series, range: series.map((_, place) => seriesColour(place)) },
    legend: null,
  }
  const times = [...trials.flatMap(({ predict }) => [predict.lowerQuartile, predict.upperQuartile]), exact.cdist.median, exact.knn.median]
  const fits = trials.flatMap(({ fit }) => [fit.lowerQuartile, fit.upperQuartile])

  const rows = [
    { probing: 'base', axis: 'hash tables (L)', heading: 'base' },
    {
      probing: 'multi-probe', heading: 'multi-probe',
      axis: `probes a table (L = ${trials.find(({ probing }) => probing === 'multi-probe')?.nHashTables})`,
    },
  ].filter(({ probing }) => trials.some((trial) => trial.probing === probing))

  const panels = rows.flatMap(({ probing, axis, heading }) => {
    const own = trials.filter((trial) => trial.probing === probing)
    const x = horizontal(axis, own.map(effort))
    return [
      recallPanel(own, { x, colour, heading, neighbours: experiment.neighbours }),
      timePanel(own, { x, colour, title: `Query time, ${heading}`, unit: `ms, all ${wholeNumber(experiment.queries)} queries`, of: 'predict', domain: logDomain(times), exact }),
      timePanel(own, { x, colour, title: `Fit time, ${heading}`, unit: 'ms', of: 'fit', domain: logDomain(fits) }),
    ]
  })

  return frame(
    {
      text: `${result.family} (${result.metric === 'euclidean' ? 'Euclidean' : 'cosine'} distance): recall and time against exact search`,
      subtitle: `${dataName}: ${wholeNumber(experiment.rows)} points × ${experiment.dim}, ${wholeNumber(experiment.queries)} queries a call, ${threads} thread${threads === 1 ? '' : 's'}, medians`,
    },
    [seriesLegend(series), grid(3, panels)],
  )
}

/** @param {readonly string[]} series */
function seriesLegend(series) {
  const entries = series.map((text, place) => ({ text, colour: seriesColour(place), dash: SOLID, point: /** @type {const} */ ('filled') }))
  return { width: 3 * PANEL.width + 140, height: 16, layer: legend(entries, 8) }
}

/** @param {number} neighbours @returns {[string, string]} */
function recallMeasures(neighbours) {
  return [`recall@${neighbours}`, 'true first in top 5']
}

/**
 * @param {readonly Trial[]} trials
 * @param {{ x: object, colour: object, heading: string, neighbours: number }} parts
 */
function recallPanel(trials, { x, colour, heading, neighbours }) {
  const measures = recallMeasures(neighbours)
  const values = trials.flatMap((trial) => [
    { x: effort(trial), y: trial.recallAt10, series: `k = ${trial.nProjections}`, measure: measures[0] },
    { x: effort(trial), y: trial.firstInTop5, series: `k = ${trial.nProjections}`, measure: measures[1] },
  ])
  const y = {
    field: 'y', type: 'quantitative', scale: { domain: [0, 1] },
    axis: { title: 'share found', values: [0, 0.2, 0.4, 0.6, 0.8, 1], format: '.1f' },
  }
  return panel(`Recall, ${heading}`, values, [
    {
      mark: { type: 'line', strokeWidth: 1.8 },
      encoding: {
        x, y, color: colour,
        strokeDash: { field: 'measure', type: 'nominal', sort: measures, scale: { domain: measures, range: [SOLID, DOTTED] }, legend: null },
      },
    },
    {
      transform: [{ filter: { field: 'measure', equal: measures[0] } }],
      mark: { type: 'point', filled: true, size: 34, opacity: 1 },
      encoding: { x, y, color: colour },
    },
    {
      transform: [{ filter: { field: 'measure', equal: measures[1] } }],
      mark: { type: 'point', filled: true, fill: COLOURS.paper, size: 26, strokeWidth: 1.4, opacity: 1 },
      encoding: { x, y, stroke: colour },
    },
    ...legend([
      { text: measures[0], colour: COLOURS.faint, dash: SOLID, point: 'filled' },
      { text: measures[1], colour: COLOURS.faint, dash: DOTTED, point: 'hollow' },
    ], LEGEND_HEIGHT),
  ])
}

/**
 * @param {readonly Trial[]} trials
 * @param {{ x: Record<string, unknown>, colour: object, title: string, unit: string, of: 'predict' | 'fit', domain: [number, number], exact?: FamilyResult['exact'] }} parts
 */
function timePanel(trials, { x, colour, title, unit, of, domain, exact }) {
  const values = trials.map((trial) => ({
    x: effort(trial), y: trial[of].median, low: trial[of].lowerQuartile, high: trial[of].upperQuartile, series: `k = ${trial.nProjections}`,
  }))
  const y = {
    field: 'y', type: 'quantitative', scale: { type: 'log', domain, nice: false },
    axis: { title: unit, values: logTicks(domain), format: '~g' },
  }
  return panel(title, values, [
    ...(exact ? exactLines(exact, domain) : []),
    {
      mark: { type: 'rule', strokeWidth: 4, opacity: 0.22 },
      encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color: colour },
    },
    { mark: { type: 'line', strokeWidth: 1.8 }, encoding: { x, y, color: colour } },
    { mark: { type: 'point', filled: true, size: 34, opacity: 1 }, encoding: { x, y, color: colour } },
    ...(exact ? legend(exactSearches(exact).map(({ name, y, dash }) => ({ text: `${name} ${milliseconds(y)}`, colour: COLOURS.ink, dash, point: 'none' })), LEGEND_HEIGHT) : []),
  ])
}

/**
 * @param {FamilyResult['exact']} exact
 * @param {[number, number]} domain
 * @returns {Layer[]}
 */
function exactLines(exact, domain) {
  return exactSearches(exact).map(({ y, dash }) => ({
    data: { values: [{ y }] },
    mark: { type: 'rule', color: COLOURS.ink, strokeDash: dash, strokeWidth: 1.1 },
    encoding: { y: exactHeight(domain) },
  }))
}

/** @param {FamilyResult['exact']} exact */
function exactSearches({ cdist, knn }) {
  return [
    { name: 'exact cdist', y: cdist.median, dash: DASHED },
    { name: 'exact k-NN', y: knn.median, dash: DOTTED },
  ]
}

/** @param {[number, number]} domain */
function exactHeight(domain) {
  return { field: 'y', type: 'quantitative', scale: { type: 'log', domain, nice: false } }
}

/** @param {Trial} trial @returns {number} what the panels of its probing have on the x axis */
function effort({ probing, nHashTables, probes }) {
  return probing === 'base' ? nHashTables : probes
}

/** @param {string} title @param {readonly number[]} values */
function horizontal(title, values) {
  const distinct = [...new Set(values)].sort((a, b) => a - b)
  // A logarithm can't show a budget of 0.
  const scale = distinct[0] > 0 ? { type: 'log' } : { type: 'symlog', constant: 5 }
  return {
    field: 'x', type: 'quantitative',
    scale: { ...scale, nice: false, domain: [distinct[0], distinct[distinct.length - 1]], padding: 8 },
    axis: { title, values: distinct, grid: false, format: 'd', labelOverlap: 'greedy', labelSeparation: 2 },
  }
}
