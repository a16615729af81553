import { readFileSync } from 'node:fs'
import { format } from 'node:util'
import * as nearhash from 'nearhash'
import { afterAll, describe, expect, it } from 'vitest'

/** Every @example of the public documentation, with the output that it promises. */
const examples = [
  ...readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8').matchAll(/\/\*\*[^]*?\*\/\s*(.*)/g),
].flatMap(([comment, declaration]) => {
  const code = /@example\n([^]*?)\n\s*(?:\*\/|\* @)/.exec(comment)?.[1]
  if (code === undefined) return []
  const lines = code.split('\n').map((line) => line.replace(/^\s*\* ?/, ''))
  const isOutput = (line: string): boolean => line.startsWith('// ')
  return {
    of: declaration!.trim(),
    code: lines.filter((line) => !isOutput(line)).join('\n'),
    output: lines.filter(isOutput).map((line) => line.slice(3)),
  }
})

const { threads } = nearhash.runtime()
afterAll(() => nearhash.configure({ threads }))

describe('the examples of index.d.ts', () => {
  it('are found', () => {
    expect(examples.length).toBeGreaterThan(8)
  })

  it.each(examples)('$of', async ({ code, output }) => {
    const printed: string[] = []
    const console = { log: (...values: unknown[]) => printed.push(...format(...values).split('\n')) }
    const run = new Function('console', ...Object.keys(nearhash), `return (async () => {${code}\n})()`)
    await run(console, ...Object.values(nearhash))
    expect(printed).toHaveLength(output.length)
    for (const [i, line] of output.entries()) if (!line.startsWith('for instance')) expect(printed[i]).toBe(line)
  })
})
