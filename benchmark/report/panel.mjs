/**
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
export const SOLID = [1, 0]
export const DASHED = [6, 3]
export const DOTTED = [3, 3]
export const PANEL = { width: 236, height: 176 }
/** Above a panel's frame, its title higher still. */
export const LEGEND_HEIGHT = -13

/**
 * A figure: title, and what stands below it from top to bottom.
 *
 * @param {{ text: string, subtitle: string }} title
 * @param {readonly object[]} rows
 * @returns {FigureSpec} vega-lite, data included
 */
export function frame({ text, subtitle }, rows) {
  return /** @type {FigureSpec} */ (/** @type {unknown} */ ({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: COLOURS.paper,
    padding: { left: 8, right: 14, top: 10, bottom: 8 },
    title: {
      text, subtitle,
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
    vconcat: rows,
  }))
}

/** @param {number} columns @param {readonly object[]} panels */
export function grid(columns, panels) {
  return { columns, bounds: 'flush', spacing: { row: 98, column: 70 }, concat: panels }
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
 * @param {number} [left] pixels from its left edge
 * @returns {Layer[]}
 */
export function legend(entries, height, left = 0) {
  const stroke = 24
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

/** @param {number} place */
export function seriesColour(place) {
  return COLOURS.series[place % COLOURS.series.length]
}

/** @param {string} title @param {object[]} values @param {Layer[]} layer */
export function panel(title, values, layer) {
  // A mark rather than vega's own title, which moves up and down with the labels of the axis.
  const heading = {
    data: { values: [{}] },
    mark: { type: 'text', text: title, align: 'left', baseline: 'bottom', fontSize: 13, fontWeight: 600, color: COLOURS.ink },
    encoding: { x: { value: 0 }, y: { value: 2 * LEGEND_HEIGHT } },
  }
  return { ...PANEL, data: { values }, layer: [heading, ...layer] }
}

/** @param {readonly number[]} values above 0 @returns {[number, number]} a little wider than they are */
export function logDomain(values) {
  return [Math.min(...values) / 1.35, Math.max(...values) * 1.5]
}

/** @param {[number, number]} domain @returns {number[]} 1, 2 and 5 of each decade, or the decades alone where many */
export function logTicks([low, high]) {
  const mantissas = Math.log10(high / low) > 2.2 ? [1] : [1, 2, 5]
  const ticks = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const mantissa of mantissas) ticks.push(Number((mantissa * 10 ** power).toPrecision(1)))
  }
  return ticks.filter((tick) => tick >= low && tick <= high)
}
