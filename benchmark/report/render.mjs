import { fileURLToPath } from 'node:url'
import { Resvg } from '@resvg/resvg-js'
import * as vega from 'vega'
import { compile } from 'vega-lite'

/** @typedef {import('./panel.mjs').FigureSpec} FigureSpec */

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
