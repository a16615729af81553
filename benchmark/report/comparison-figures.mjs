import { bestSettings } from '../measure/recall-curve.mjs'
import { wholeNumber } from './numbers.mjs'
import { curvesOf, growthLines, summariseSet } from './comparison-summary.mjs'
import { COLOURS, DASHED, DOTTED, frame, grid, legend, logDomain, logTicks, panel, SOLID } from './panel.mjs'

/**
 * @typedef {import('../comparison/session.mjs').ComparisonResults} ComparisonResults
 * @typedef {import('../comparison/measure.mjs').SetResult} SetResult
 * @typedef {import('./panel.mjs').FigureSpec} FigureSpec
 * @typedef {{ colour: string, dash: number[] }} Style
 */

const PANEL = { width: 390, height: 250 }
const LEGEND_ENTRIES = 4
const LEGEND_LINE = 20

const [blue, orange, green, violet, red, olive] = COLOURS.series
/** Kin have one colour: ours, ours without Node, graphs, lists, hashing by others. @type {Readonly<Record<string, Style>>} */
const STYLES = {
  'index': { colour: blue, dash: SOLID },
  'engine-index': { colour: red, dash: SOLID },
  'index-settle-0': { colour: blue, dash: DASHED },
  'engine-index-settle-0': { colour: red, dash: DASHED },
  'engine-index-avx2': { colour: red, dash: [8, 2, 2, 2] },
  'index-avx2': { colour: blue, dash: [8, 2, 2, 2] },
  'lsh': { colour: blue, dash: DOTTED },
  'hnswlib-node': { colour: orange, dash: SOLID },
  'hnswlib': { colour: orange, dash: DASHED },
  'faiss-hnsw': { colour: orange, dash: DOTTED },
  'usearch': { colour: green, dash: SOLID },
  'redis': { colour: green, dash: DASHED },
  'faiss-ivf': { colour: violet, dash: SOLID },
  'faiss-ivf-pq': { colour: violet, dash: DASHED },
  'faiss-lsh': { colour: olive, dash: SOLID },
  'falconn': { colour: olive, dash: DASHED },
  'puffinn': { colour: olive, dash: DOTTED },
  'annoy': { colour: green, dash: DOTTED },
  'engine-lsh': { colour: red, dash: DOTTED },
  'engine-exact': { colour: COLOURS.ink, dash: [2, 4] },
  'exact': { colour: COLOURS.ink, dash: SOLID },
  'faiss-flat': { colour: COLOURS.ink, dash: DASHED },
  'numpy': { colour: COLOURS.ink, dash: DOTTED },
}

/** Recalls that are marked on an axis of what is missed. */
const RECALL_TICKS = [0.7, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]
const HIGHEST_RECALL = 0.9995

/**
 * @param {ComparisonResults} results
 * @param {SetResult} set
 * @returns {FigureSpec}
 */
export function setFigure(results, set) {
  const { rivals, settings: { clock } } = results
  const present = rivals.filter(({ id }) => set.measured.some(({ rival }) => rival === id))
  const depths = [...new Set(set.measured.map(({ k }) => k))]
  const panels = [
    throughputPanel(set, present, { k: 10, calls: 'single', clock, title: 'k = 10, a call a query' }),
    throughputPanel(set, present, { k: 10, calls: 'oneCall', clock, title: 'k = 10, one call for all queries, one thread' }),
    ...depths.filter((k) => k !== 10).sort((a, b) => a - b)
      .map((k) => throughputPanel(set, present, { k, calls: 'single', clock, title: `k = ${k}, a call a query` })),
    tailPanel(set, present, clock),
    answersPanel(results, set),
  ]
  return frame(
    {
      text: `${set.name}: recall against queries a second`,
      subtitle: `${wholeNumber(set.rows)} points × ${set.dim}, ${set.metric}, one thread, ${clock === 'cpu' ? 'CPU time' : 'time'}, medians of ${results.settings.rounds} rounds; up and to the right is better`,
    },
    [rivalLegend(present), grid(2, panels)],
  )
}

/**
 * @param {ComparisonResults} results of kind growth
 * @returns {FigureSpec}
 */
export function growthFigure(results) {
  const [first] = results.sets
  const panels = [0.95, 0.98].map((recall) => growthPanel(growthLines(results, recall), `a query at recall@10 of ${recall}`, 'µs'))
  panels.push(growthPanel(growthLines(results, 'build'), 'building, one thread', 'seconds'))
  return frame(
    {
      text: `${first.name}: time against the number of points`,
      subtitle: `${first.dim} dimensions, ${first.metric}, one thread; real rows${results.enlarged ? `, beyond ${wholeNumber(results.enlarged.realRows)} with jittered copies` : ''}; exponents are of fitted powers of n`,
    },
    [rivalLegend(results.rivals), grid(2, panels)],
  )
}

/** @param {readonly { id: string, name: string }[]} rivals */
function rivalLegend(rivals) {
  const width = 2 * PANEL.width + 70
  const layer = rivals.flatMap(({ id, name }, place) => {
    const [line, column] = [Math.floor(place / LEGEND_ENTRIES), place % LEGEND_ENTRIES]
    const entry = { text: name, ...style(id), point: /** @type {const} */ ('filled') }
    return legend([entry], 8 + line * LEGEND_LINE, (column * width) / LEGEND_ENTRIES)
  })
  return { width, height: LEGEND_LINE * Math.ceil(rivals.length / LEGEND_ENTRIES), layer }
}

/** @param {string} id @returns {Style} */
function style(id) {
  return STYLES[id] ?? { colour: COLOURS.faint, dash: SOLID }
}

/**
 * @param {SetResult} set
 * @param {readonly { id: string }[]} rivals
 * @param {{ k: number, calls: 'single' | 'oneCall', clock: 'wall' | 'cpu', title: string }} which
 */
function throughputPanel({ measured }, rivals, { title, ...which }) {
  const curves = rivals.map(({ id }) => ({ id, points: curvesOf(measured, { rival: id, ...which }).flatMap(({ points }) => points) }))
    .filter(({ points }) => points.length > 0)
  const domain = logDomain(curves.flatMap(({ points }) => points.map(({ time }) => 1e6 / time)))
  const y = logAxis(domain, 'queries a second')
  const x = recallAxis(`recall@${which.k}`)
  return sized(panel(title, [], curves.flatMap(({ id, points }) => {
    const { colour, dash } = style(id)
    if (points.every(({ exact }) => exact)) {
      const fastest = Math.max(...points.map(({ time }) => 1e6 / time))
      return [{ data: { values: [{ y: fastest }] }, mark: { type: 'rule', color: colour, strokeDash: dash, strokeWidth: 1.1 }, encoding: { y } }]
    }
    return line(bestSettings(points).map((point) => ({ x: missed(point.recall), y: 1e6 / point.time })), { x, y, colour, dash })
  })))
}

/** @param {SetResult} set @param {readonly { id: string }[]} rivals @param {'wall' | 'cpu'} clock */
function tailPanel({ measured }, rivals, clock) {
  const x = recallAxis('mean recall@10')
  const y = { field: 'y', type: 'quantitative', scale: { domain: [0, 1] }, axis: { title: 'recall that 95 % of the queries reach', format: '.1f' } }
  return sized(panel('the worst 5 % of queries', [], rivals.flatMap(({ id }) => {
    const { colour, dash } = style(id)
    const points = curvesOf(measured, { rival: id, k: 10, calls: 'single', clock }).flatMap((curve) => curve.points).filter(({ exact }) => !exact)
    return line(bestSettings(points).map(({ recall, p5 }) => ({ x: missed(recall), y: p5 })), { x, y, colour, dash })
  })))
}

/** @param {ComparisonResults} results @param {SetResult} set */
function answersPanel(results, set) {
  const counts = Array.from({ length: 57 }, (_, place) => 10 ** (place / 8))
  const curves = summariseSet(results, set).flatMap(({ id, times: [time], buildSeconds }) => (
    time === undefined ? [] : [{ id, points: counts.map((n) => ({ x: n, y: buildSeconds + (n * time.time) / 1e6 })) }]
  ))
  // From the moment on that a first answer is of use to a person.
  const domain = /** @type {[number, number]} */ ([0.01, Math.max(1, ...curves.map(({ points }) => points[40].y))])
  const y = logAxis(domain, 'seconds of build and queries')
  const x = {
    field: 'x', type: 'quantitative', scale: { type: 'log', domain: [1, 1e7], nice: false },
    axis: { title: 'queries, recall@10 of .95', values: [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7], format: '~s', grid: false },
  }
  return sized(panel('time to answers', [], curves.flatMap(({ id, points }) => {
    const { colour, dash } = style(id)
    const inside = points.filter((point) => point.y >= domain[0] && point.y <= domain[1])
    return [{ data: { values: inside }, mark: { type: 'line', strokeWidth: 1.6, color: colour, strokeDash: dash }, encoding: { x, y } }]
  })))
}

/** @param {readonly import('./comparison-summary.mjs').GrowthLine[]} lines @param {string} title @param {string} unit */
function growthPanel(lines, title, unit) {
  const sizes = [...new Set(lines.flatMap(({ points }) => points.map(({ n }) => n)))].sort((a, b) => a - b)
  const x = {
    field: 'x', type: 'quantitative', scale: { type: 'log', domain: [sizes[0], sizes[sizes.length - 1] * 1.9], nice: false },
    axis: { title: 'points', values: sizes, format: '~s', grid: false },
  }
  const y = logAxis(logDomain(lines.flatMap(({ points }) => points.map(({ time }) => time))), unit)
  return sized(panel(title, [], lines.flatMap(({ id, points, exponent }) => {
    const { colour, dash } = style(id)
    const last = points[points.length - 1]
    return [
      ...line(points.map(({ n, time }) => ({ x: n, y: time })), { x, y, colour, dash }),
      ...(exponent === undefined ? [] : [{
        data: { values: [{ x: last.n, y: last.time }] },
        mark: { type: 'text', text: `n^${exponent.toFixed(2)}`, align: 'left', dx: 7, color: colour, fontSize: 11.5 },
        encoding: { x, y },
      }]),
    ]
  })))
}

/**
 * @param {readonly { x: number, y: number }[]} values
 * @param {{ x: object, y: object } & Style} look
 * @returns {import('./panel.mjs').Layer[]}
 */
function line(values, { x, y, colour, dash }) {
  const data = { values }
  return [
    { data, mark: { type: 'line', strokeWidth: 1.6, color: colour, strokeDash: dash }, encoding: { x, y } },
    { data, mark: { type: 'point', filled: true, size: 18, opacity: 1, color: colour }, encoding: { x, y } },
  ]
}

/** @param {object} panel */
function sized(panel) {
  return { ...panel, ...PANEL }
}

/** @param {number} recall @returns {number} on an axis that gives every tenth of what is missed the same length */
function missed(recall) {
  return -Math.log10(1 - Math.min(recall, HIGHEST_RECALL))
}

/** @param {string} title */
function recallAxis(title) {
  return {
    field: 'x', type: 'quantitative', scale: { domain: [missed(RECALL_TICKS[0]), missed(HIGHEST_RECALL)], nice: false, clamp: true },
    axis: { title, values: RECALL_TICKS.map(missed), labelExpr: "format(1 - pow(10, -datum.value), '.3~f')", labelOverlap: false },
  }
}

/** @param {[number, number]} domain @param {string} title */
function logAxis(domain, title) {
  return { field: 'y', type: 'quantitative', scale: { type: 'log', domain, nice: false }, axis: { title, values: logTicks(domain), format: domain[1] > 1e3 ? '~s' : '~g' } }
}
