import { COLOURS } from '../report/panel.mjs'
import { wholeNumber } from '../report/numbers.mjs'

/** @typedef {import('vega-lite').TopLevelSpec} FigureSpec */

const PANEL = { width: 250, height: 200 }

/** Lines of the figure: whose query, and how many candidates. */
const SERIES = ['weighted words, 300', 'weighted words, 100', 'published recipe', 'native HNSW']

/**
 * Recall against the server's time, a panel for each set; below, how time grows with the documents.
 *
 * @param {import('./run.mjs').Results} results
 * @returns {FigureSpec}
 */
export function costFigure({ engine, sets, growth }) {
  const panels = sets.map((set) => {
    const values = set.indices.flatMap(({ name, queries }) =>
      queries
        .filter(({ name }) => !name.startsWith('exact'))
        .map(({ name: query, candidates, recall, cpuMilliseconds }) => ({
          series: name.startsWith('default') ? `weighted words, ${candidates}` : name.startsWith('native') ? 'native HNSW' : 'published recipe',
          query,
          recall,
          // What the server's clock cannot tell from nothing.
          cpu: Math.max(0.1, cpuMilliseconds),
        })),
    )
    return {
      ...PANEL,
      title: { text: set.name, subtitle: `${wholeNumber(set.rows)} × ${set.dim}, ${set.metric}` },
      data: { values },
      layer: [
        { mark: { type: 'line', strokeWidth: 2 }, transform: [{ filter: "datum.series !== 'published recipe'" }] },
        { mark: { type: 'point', filled: true, size: 45, opacity: 1 } },
      ],
      encoding: {
        x: { field: 'cpu', type: 'quantitative', scale: { type: 'log', nice: false, padding: 10 }, axis: { title: 'CPU ms of the server a query', tickCount: 5, format: '~g' } },
        y: { field: 'recall', type: 'quantitative', scale: { domain: [0, 1] }, axis: { title: 'recall of the true 10', format: '.1f' } },
        order: { field: 'recall', type: 'quantitative' },
        color: colour(SERIES),
      },
    }
  })
  const steps = growth.flatMap(({ documents, clusters, queries }) =>
    queries
      // The graph finds with 100 what words find with 300.
      .filter(({ candidates, name }) => (name.startsWith('native') ? candidates === 100 : candidates === 300 && name.endsWith('(default)')))
      .map(({ cpuMilliseconds, recall }) => ({ documents, clusters: clusters === 0 ? 'native HNSW, k = 100' : 'default, 300 candidates', cpu: cpuMilliseconds, recall })),
  )
  const names = [...new Set(steps.map(({ clusters }) => clusters))]
  /** @param {string} field @param {string} title @param {object} scale */
  const growing = (field, title, scale) => ({
    ...PANEL,
    title: { text: title, subtitle: 'photo histograms and jittered copies' },
    data: { values: steps },
    mark: { type: 'line', point: { size: 45 }, strokeWidth: 2 },
    encoding: {
      x: { field: 'documents', type: 'quantitative', scale: { type: 'log' }, axis: { title: 'documents', format: '~s', tickCount: 4 } },
      y: { field, type: 'quantitative', scale, axis: { title: field === 'cpu' ? 'CPU ms a query' : 'recall of the true 10' } },
      color: colour(names),
    },
  })
  return /** @type {FigureSpec} */ (/** @type {unknown} */ ({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: COLOURS.paper,
    padding: 12,
    title: { text: `Words in ${engine}: recall and cost`, anchor: 'start', fontSize: 16, offset: 14, color: COLOURS.ink },
    config: {
      font: 'Inter, "Helvetica Neue", Arial, sans-serif',
      view: { stroke: COLOURS.grid },
      axis: { labelColor: COLOURS.faint, titleColor: COLOURS.faint, gridColor: COLOURS.grid, domainColor: COLOURS.grid, ticks: false, titleFontWeight: 400 },
      title: { color: COLOURS.ink, subtitleColor: COLOURS.faint, anchor: 'start' },
    },
    spacing: 36,
    vconcat: [
      { hconcat: panels, spacing: 36, resolve: { scale: { color: 'shared' } } },
      ...(steps.length === 0
        ? []
        : [{ spacing: 36, hconcat: [growing('cpu', 'Cost as documents grow', { zero: true }), growing('recall', 'Recall as documents grow', { domain: [0.8, 1] })], resolve: { scale: { color: 'shared' } } }]),
    ],
    resolve: { scale: { color: 'independent' } },
  }))
}

/** @param {readonly string[]} domain */
function colour(domain) {
  return { field: domain === SERIES ? 'series' : 'clusters', type: 'nominal', scale: { domain, range: COLOURS.series.slice(0, domain.length) }, legend: { title: null, orient: 'bottom', labelLimit: 300 } }
}
