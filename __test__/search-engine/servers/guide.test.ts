import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { freshName, request, url } from './server.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const names = { photos: freshName(), both: freshName() }

afterAll(async () => {
  for (const name of Object.values(names)) await request('DELETE', `/${name}-*`)
  rmSync(`${root}/photos.model`, { force: true })
})

it('the guide\'s programs run, one after the other', async () => {
  const guide = readFileSync(`${root}/docs/search-engine.md`, 'utf8')
  // What follows is about words by themselves.
  const [about = ''] = guide.split('\n## Words\n')
  const blocks = [...about.matchAll(/^( *)```js\n([^]*?)^ *```/gm)].map(([, , code]) => code!)
  expect(blocks.length).toBeGreaterThan(5)
  const program = blocks
    .join('\n')
    .replaceAll('http://localhost:9200', url)
    .replace("name: 'photos',", `name: '${names.photos}',`)
    .replaceAll("name: 'photos'", `name: '${names.photos}'`)
    .replace("name: 'both'", `name: '${names.both}'`)
  const child = spawn(process.execPath, ['--input-type=module'], { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] })
  let [out, errors] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.stdin.end(program)
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(errors).toBe('')
  expect(code).toBe(0)
  expect(out).toContain("'photo-7'")
  expect(out).toContain('5000')
})
