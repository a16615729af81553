import { COLOURS } from './panel.mjs'

/** The same parts in the dark, in the order of COLOURS.series. */
const DARK_COLOURS = {
  paper: '#14181f',
  ink: '#e8ecf2',
  faint: '#a3adbb',
  grid: '#2b323d',
  series: ['#6aa8ff', '#ff9a57', '#4fc79a', '#c58bf0', '#ff8a80', '#c9c64a'],
}

/**
 * One HTML page with everything in it. It loads nothing, so it can be mailed, archived or opened without a network.
 *
 * @param {string} title
 * @param {string} body HTML
 * @returns {string}
 */
export function page(title, body) {
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
${body}
</main>
</body>
</html>
`
}

/**
 * @param {string} svg as vega writes it, with a fixed size and fixed colours
 * @returns {string} an element that shrinks with the page and follows its colours
 */
export function inlineSvg(svg) {
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
export function escape(text) {
  const names = /** @type {Record<string, string>} */ ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })
  return text.replaceAll(/[&<>"']/g, (character) => names[character])
}
