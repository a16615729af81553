import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDER = join(PROJECT, '.github', 'workflows')
const WORKFLOWS = readdirSync(FOLDER).map((file): [string, string] => [file, readFileSync(join(FOLDER, file), 'utf8')])
const { scripts, napi } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'))

/** What a step may run besides npm scripts: bringing the tools that they need. */
const TOOLS = [
  /^rustup toolchain install (stable|\d+\.\d+) --profile minimal( --component clippy,rustfmt)?$/,
  /^cargo install --locked [a-z-]+@\d+\.\d+\.\d+$/,
  /^go install \S+@v\d+\.\d+\.\d+$/,
  /^python3 -m venv "\$RUNNER_TEMP\/zig"$/,
  /^'"\$RUNNER_TEMP\/zig\/bin\/pip" install( [a-z-]+==[\d.]+)+'$/,
  /^echo "\$RUNNER_TEMP\/zig\/bin" >> "\$GITHUB_PATH"$/,
]

describe.each(WORKFLOWS)('%s', (_, text) => {
  test('runs npm scripts that exist, and nothing else', () => {
    const steps = [...text.matchAll(/\brun: (.*)$/gm)].map(([, command = '']) => command)
    expect(steps.length).toBeGreaterThan(0)
    for (const step of steps) {
      const name = /^(?:PATH="\S+ env GOPATH\)\/bin" )?npm (?:run )?([\w:-]+)/.exec(step)?.[1]
      if (name === undefined) expect(TOOLS.some((tool) => tool.test(step)), step).toBe(true)
      else expect(scripts, step).toHaveProperty([name])
    }
  })

  test('pins every action by commit and names its version', () => {
    const uses = [...text.matchAll(/\buses: (.*)$/gm)].map(([, action = '']) => action)
    expect(uses.length).toBeGreaterThan(0)
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  test('may read the repository and nothing more, but for the identity that publishes', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n\n/m)
    const granted = [...text.matchAll(/^ +([a-z-]+): write$/gm)].map(([, permission]) => permission)
    expect(granted).toEqual(text.includes('--publish') ? ['id-token'] : [])
    expect(text).not.toContain('secrets.')
  })
})

test('a release builds exactly the targets of package.json', () => {
  const text = readFileSync(join(FOLDER, 'release.yml'), 'utf8')
  const targets = [...text.matchAll(/\{ target: ([\w-]+),/g)].map(([, target]) => target)
  expect(targets).toEqual(napi.targets)
})

test('CI tests three systems and every even Node that is supported, and Linux on arm64', () => {
  const text = readFileSync(join(FOLDER, 'ci.yml'), 'utf8')
  expect(text).toContain('system: [ubuntu-latest, macos-latest, windows-latest]\n        node: [20, 22, 24, 26]')
  expect(text).toContain('include:\n          - { system: ubuntu-24.04-arm, node: 24 }')
})
