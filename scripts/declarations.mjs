// index.d.ts: the whole public API in one file, made from the TypeScript sources.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, runPackage, StepError } from './command.mjs'

const HEADER = `/// <reference lib="esnext.disposable" />
// Generated from bindings/ts by "npm run build".

`

/**
 * The text of index.d.ts as the sources define it. Needs the installed packages.
 *
 * @returns {Promise<string>}
 */
export async function bundleDeclarations() {
  const folder = mkdtempSync(join(tmpdir(), 'nearhash-types-'))
  try {
    const compiled = await runPackage('typescript/bin/tsc', [
      '--declaration',
      '--emitDeclarationOnly',
      '--outDir',
      folder,
    ])
    if (!compiled.ok) throw new StepError(`tsc could not write declarations:\n${compiled.output}`)
    const [{ rollup }, { dts }] = await Promise.all([import('rollup'), import('rollup-plugin-dts')])
    const bundle = await rollup({
      input: join(folder, 'index.d.ts'),
      plugins: [dts()],
      external: ['#binding', /^node:/],
      onwarn: (warning) => {
        throw new StepError(`index.d.ts: ${warning.message}`)
      },
    })
    const { output } = await bundle.generate({ format: 'es' })
    await bundle.close()
    return HEADER + halveIndent(output[0].code)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** index.d.ts as it is committed; empty when there is none. */
export function committedDeclarations() {
  try {
    return readFileSync(join(ROOT, 'index.d.ts'), 'utf8')
  } catch {
    return ''
  }
}

/**
 * tsc indents by four spaces, this repository by two.
 *
 * @param {string} code
 */
function halveIndent(code) {
  return code.replace(/^(?: {4})+/gm, (indent) => ' '.repeat(indent.length / 2)).trimEnd() + '\n'
}
