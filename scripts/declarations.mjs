// index.d.ts and search-engine.d.ts: the public API, one file for each entry of the package, made from the TypeScript
// sources.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { ROOT, runPackage, StepError } from './command.mjs'

const HEADER = '// Generated from bindings/ts by "npm run build".\n\n'

/** `using` needs it. */
const DISPOSABLE = '/// <reference lib="esnext.disposable" />\n'

/**
 * What imports of the package's other sources become in search-engine.d.ts, where only the public types are needed:
 * one class has to be declared once.
 */
const ROOT_TYPES = './index.js'

/** The declaration files, each with the file that tsc makes of its entry. */
export const DECLARATIONS = /** @type {const} */ ({
  'index.d.ts': 'index.d.ts',
  'search-engine.d.ts': 'search-engine/index.d.ts',
})

/**
 * The texts of the declaration files as the sources define them, by name. Needs the installed packages.
 *
 * @returns {Promise<Map<string, string>>}
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
    /** @type {Map<string, string>} */
    const texts = new Map()
    for (const [file, entry] of Object.entries(DECLARATIONS)) {
      const code = await bundle(join(folder, entry), file !== 'index.d.ts')
      texts.set(file, `${file === 'index.d.ts' ? DISPOSABLE : ''}${HEADER}${halveIndent(code)}`)
    }
    return texts
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @param {string} input
 * @param {boolean} besideRoot what lies outside of the entry's own folder is imported from index.d.ts
 */
async function bundle(input, besideRoot) {
  const [{ rollup }, { dts }] = await Promise.all([import('rollup'), import('rollup-plugin-dts')])
  const outside = join(dirname(input), '..')
  /** @param {string} id */
  const isRoot = (id) => besideRoot && isAbsolute(id) && dirname(id) === outside
  const bundled = await rollup({
    input,
    plugins: [
      {
        name: 'root types',
        resolveId(id, importer) {
          if (!besideRoot || importer === undefined || !id.startsWith('../')) return null
          return { id: join(dirname(importer), id), external: true }
        },
      },
      dts(),
    ],
    external: (id) => id === '#binding' || id.startsWith('node:') || isRoot(id),
    onwarn: (warning) => {
      throw new StepError(`${input}: ${warning.message}`)
    },
  })
  const { output } = await bundled.generate({ format: 'es', paths: (id) => (isRoot(id) ? ROOT_TYPES : id) })
  await bundled.close()
  return output[0].code
}

/** The declaration files as they are committed, by name; empty where there is none. */
export function committedDeclarations() {
  /** @param {string} file */
  const read = (file) => {
    const path = join(ROOT, file)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
  return new Map(Object.keys(DECLARATIONS).map((file) => [file, read(file)]))
}

/**
 * tsc indents by four spaces, this repository by two.
 *
 * @param {string} code
 */
function halveIndent(code) {
  return code.replace(/^(?: {4})+/gm, (indent) => ' '.repeat(indent.length / 2)).trimEnd() + '\n'
}
