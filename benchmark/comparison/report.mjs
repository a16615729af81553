import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '../datasets/data-error.mjs'
import { growthFigure, setFigure } from '../report/comparison-figures.mjs'
import { comparisonPage } from '../report/comparison-page.mjs'
import { markdownTable } from '../report/comparison-text.mjs'
import { renderPng, renderSvg } from '../report/render.mjs'

/** @typedef {import('./session.mjs').ComparisonResults} ComparisonResults */

/** The files that hold what was measured, by kind. */
export const NUMBERS = Object.freeze({ comparison: 'results.json', growth: 'growth.json' })
/** Written there by the engine's own micro-benchmark, if at all. */
const KERNELS = 'kernels.json'

/**
 * Makes the report, figures and table of all numbers that lie in a folder.
 *
 * @param {string} folder
 * @returns {Promise<{ files: string[], table?: string }>} names of what was written; the table in Markdown
 * @throws {DataError} when there are no numbers
 */
export async function writeReport(folder) {
  const comparison = await readNumbers(join(folder, NUMBERS.comparison))
  const growth = await readNumbers(join(folder, NUMBERS.growth))
  if (comparison === undefined && growth === undefined) {
    throw new DataError(`${folder}: holds neither ${NUMBERS.comparison} nor ${NUMBERS.growth}; measure first`)
  }
  /** @type {Record<string, string | Buffer>} */
  const files = {}
  /** @param {string} name @param {import('../report/panel.mjs').FigureSpec} spec */
  const draw = async (name, spec) => {
    const svg = await renderSvg(spec)
    files[`${name}.svg`] = svg
    files[`${name}.png`] = renderPng(svg)
    return svg
  }
  const svgs = []
  for (const set of comparison?.sets ?? []) svgs.push(await draw(fileName(set.name), setFigure(/** @type {ComparisonResults} */ (comparison), set)))
  const growthSvg = growth && await draw('growth', growthFigure(growth))
  const kernels = await readJson(join(folder, KERNELS))
  const table = comparison && markdownTable(comparison)
  if (table !== undefined) files['table.md'] = table
  files['report.html'] = comparisonPage({
    ...(comparison ? { comparison: { results: comparison, svgs } } : {}),
    ...(growth && growthSvg !== undefined ? { growth: { results: growth, svg: growthSvg } } : {}),
    ...(kernels === undefined ? {} : { kernels }),
  })
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  return { files: Object.keys(files), ...(table === undefined ? {} : { table }) }
}

/** @param {string} path @returns {Promise<ComparisonResults | undefined>} */
async function readNumbers(path) {
  const numbers = await readJson(path)
  if (numbers !== undefined && numbers.format !== 1) throw new DataError(`${path}: not written by this version of the benchmark; measure again`)
  return numbers?.sets.length > 0 ? numbers : undefined
}

/** @param {string} path @returns {Promise<any>} undefined when it isn't there */
async function readJson(path) {
  let text
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new DataError(`${path}: no JSON: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

/** @param {string} name of a set */
function fileName(name) {
  return name.replaceAll(/[^\w.-]+/g, '-').replace(/-$/, '')
}
