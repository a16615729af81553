import { fileURLToPath } from 'node:url'
import { Resvg } from '@resvg/resvg-js'
import * as vega from 'vega'
import { compile } from 'vega-lite'
import { milliseconds, wholeNumber } from './numbers.mjs'

/**
 * @typedef {import('../demo/experiment.mjs').Experiment} Experiment
 * @typedef {import('../demo/experiment.mjs').FamilyResult} FamilyResult
 * @typedef {import('../demo/experiment.mjs').Trial} Trial
 * @typedef {import('vega-lite').TopLevelSpec} FigureSpec
 * @typedef {Record<string, unknown>} Layer
 */

/** Every colour of the figures by its part; the HTML report exchanges them for its own in the dark. */
export const COLOURS = Object.freeze({
  paper: '#ffffff',
  ink: '#1b2430',
  faint: '#5b6675',
  grid: '#e3e7ed',
  series: Object.freeze(['#1763c6', '#d1570b', '#157f5b', '#8a3fc0', '#b3261e', '#6b6a00']),
})

const FONT = 'Inter, "Helvetica Neue", Arial, sans-serif'
const SOLID = [1, 0]
const DASHED = [6, 3]
const DOTTED = [3, 3]
const PANEL = { width: 236, height: 176 }
/** Above a panel's frame, its title higher still. */
const LEGEND_HEIGHT = -13

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

  return /** @type {FigureSpec} */ (/** @type {unknown} */ ({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: COLOURS.paper,
    padding: { left: 8, right: 14, top: 10, bottom: 8 },
    title: {
      text: `${result.family} (${result.metric === 'euclidean' ? 'Euclidean' : 'cosine'} distance): recall and time against exact search`,
      subtitle: `${dataName}: ${wholeNumber(experiment.rows)} points × ${experiment.dim}, ${wholeNumber(experiment.queries)} queries a call, ${threads} thread${threads === 1 ? '' : 's'}, medians`,
      anchor: 'start', frame: 'bounds', offset: 10, fontSize: 16, fontWeight: 600, subtitleFontSize: 12, subtitlePadding: 6,
      color: COLOURS.ink, subtitleColor: COLOURS.faint,
    },
    config: {
      font: FONT,
      view: { stroke: null },
      axis: {
        labelColor: COLOURS.faint, titleColor: COLOURS.faint, gridColor: COLOURS.grid, domainColor: COLOURS.grid,
        ticks: false, labelPadding: 5, labelFontSize: 11.5, titleFontSize: 12, titleFontWeight: 400, titlePadding: 6,
      },
    },
    // Flush with fixed gaps: by default a panel moves with the width of its labels.
    bounds: 'flush',
    spacing: 52,
    vconcat: [
      seriesLegend(series),
      { columns: 3, bounds: 'flush', spacing: { row: 98, column: 70 }, concat: panels },
    ],
  }))
}

/**
 * @typedef {object} LegendEntry
 * @property {string} text
 * @property {string} colour of the line
 * @property {number[]} dash
 * @property {'filled' | 'hollow' | 'none'} point
 */

/**
 * Lines with their names, side by side. Vega's own legends can't stand inside a panel, nor join a dash with a point.
 *
 * @param {readonly LegendEntry[]} entries
 * @param {number} height pixels from the top of the panel
 * @returns {Layer[]}
 */
function legend(entries, height) {
  const stroke = 24
  let left = 0
  return entries.flatMap(({ text, colour, dash, point }) => {
    const start = left
    // A letter of this font is half as wide as it is high.
    left += stroke + 5 + text.length * 5.7 + 15
    const y = { value: height }
    const mark = { type: 'point', filled: true, fill: point === 'hollow' ? COLOURS.paper : colour, stroke: colour, strokeWidth: 1.4, size: 30, opacity: 1 }
    return [
      { mark: { type: 'rule', color: colour, strokeWidth: point === 'none' ? 1.1 : 1.8, strokeDash: dash }, encoding: { x: { value: start }, x2: { value: start + stroke }, y } },
      ...(point === 'none' ? [] : [{ mark, encoding: { x: { value: start + stroke / 2 }, y } }]),
      {
        mark: { type: 'text', text, align: 'left', baseline: 'middle', color: COLOURS.ink, fontSize: 11.5 },
        encoding: { x: { value: start + stroke + 5 }, y },
      },
    ].map((layer) => ({ data: { values: [{}] }, ...layer }))
  })
}

/** @param {readonly string[]} series */
function seriesLegend(series) {
  const entries = series.map((text, place) => ({ text, colour: seriesColour(place), dash: SOLID, point: /** @type {const} */ ('filled') }))
  return { width: 3 * PANEL.width + 140, height: 16, layer: legend(entries, 8) }
}

/** @param {number} place */
function seriesColour(place) {
  return COLOURS.series[place % COLOURS.series.length]
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

/** @param {string} title @param {object[]} values @param {Layer[]} layer */
function panel(title, values, layer) {
  // A mark rather than vega's own title, which moves up and down with the labels of the axis.
  const heading = {
    data: { values: [{}] },
    mark: { type: 'text', text: title, align: 'left', baseline: 'bottom', fontSize: 13, fontWeight: 600, color: COLOURS.ink },
    encoding: { x: { value: 0 }, y: { value: 2 * LEGEND_HEIGHT } },
  }
  return { ...PANEL, data: { values }, layer: [heading, ...layer] }
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

/** @param {readonly number[]} values above 0 @returns {[number, number]} a little wider than they are */
function logDomain(values) {
  return [Math.min(...values) / 1.35, Math.max(...values) * 1.5]
}

/** @param {[number, number]} domain @returns {number[]} 1, 2 and 5 of each decade, or the decades alone where many */
function logTicks([low, high]) {
  const mantissas = Math.log10(high / low) > 2.2 ? [1] : [1, 2, 5]
  const ticks = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const mantissa of mantissas) ticks.push(Number((mantissa * 10 ** power).toPrecision(1)))
  }
  return ticks.filter((tick) => tick >= low && tick <= high)
}

/**
 * @param {FigureSpec} spec
 * @returns {Promise<string>} SVG
 */
export async function renderSvg(spec) {
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

const FONT_FILES = ['400Regular/Inter_400Regular.ttf', '600SemiBold/Inter_600SemiBold.ttf']

/**
 * @param {string} svg
 * @returns {Buffer} PNG at twice the size, with the same letters on every machine
 */
export function renderPng(svg) {
  const fontFiles = FONT_FILES.map((file) => fileURLToPath(import.meta.resolve(`@expo-google-fonts/inter/${file}`)))
  return new Resvg(svg, {
    fitTo: { mode: 'zoom', value: 2 },
    font: { fontFiles, loadSystemFonts: false, defaultFontFamily: 'Inter', sansSerifFamily: 'Inter' },
  }).render().asPng()
}
