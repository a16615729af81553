import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { packRelease } from './tarballs.js'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'commands-test-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

/** Run a script with an npm that writes down what it is asked and answers as `answers` says: JavaScript with `args`. */
function script(name: string, args: string[], answers: string, env: NodeJS.ProcessEnv = {}) {
  const npm = join(folder, 'npm.cjs')
  const log = join(folder, 'log')
  writeFileSync(log, '')
  writeFileSync(
    npm,
    `const args = process.argv.slice(2)
require('node:fs').appendFileSync(${JSON.stringify(log)}, JSON.stringify(args) + '\\n')
const answer = (stdout = '', code = 0, stderr = '') => {
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  process.exit(code)
}
${answers}`,
  )
  const result = spawnSync(process.execPath, [join(PROJECT, 'scripts', name), ...args], {
    encoding: 'utf8',
    env: { ...process.env, GITHUB_REPOSITORY: '', ACTIONS_ID_TOKEN_REQUEST_URL: undefined, ...env, npm_execpath: npm },
  })
  const asked = readFileSync(log, 'utf8').trim().split('\n').filter(Boolean)
  return { ...result, asked: asked.map((line): string[] => JSON.parse(line)) }
}

describe('audit', () => {
  const report = (...advisories: string[]) => {
    const via = advisories.map((advisory) => {
      return { url: `https://github.com/advisories/${advisory}`, severity: 'high', name: 'odd', range: '<2', title: 'Bad' }
    })
    const vulnerabilities = advisories.length === 0 ? {} : { odd: { via }, user: { via: ['odd'] } }
    return `answer(${JSON.stringify(JSON.stringify({ auditReportVersion: 2, vulnerabilities }))}, ${advisories.length})`
  }
  const audit = (answers: string, allowed: unknown[] = []) => {
    const file = join(folder, 'allowed.json')
    writeFileSync(file, JSON.stringify(allowed))
    return script('release-audit.mjs', [], answers, { NEARHASH_AUDIT_ALLOWED: file })
  }
  const entry = { advisory: 'GHSA-aaaa-bbbb-cccc', reason: 'only in a test of ours, with input of ours', until: '2999-01-01' }

  test('nothing known passes', () => {
    expect(audit(report())).toMatchObject({ status: 0, asked: [['audit', '--json', '--package-lock-only']] })
  })

  test('an advisory fails, an allowed one passes', () => {
    const { status, stderr } = audit(report(entry.advisory))
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('GHSA-aaaa-bbbb-cccc: high, odd <2: Bad') })
    expect(audit(report(entry.advisory), [entry]).status).toBe(0)
    expect(audit(report(entry.advisory, 'GHSA-dddd-eeee-ffff'), [entry])).toMatchObject({ status: 1 })
  })

  test.each([
    ['no reason', { reason: 'fine' }, 'needs a reason'],
    ['no day', { until: undefined }, 'needs "until"'],
    ['a day in the past', { until: '2020-01-01' }, 'was allowed until 2020-01-01'],
  ])('allowed with %s fails', (_, change, message) => {
    const { status, stderr } = audit(report(entry.advisory), [{ ...entry, ...change }])
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(message) })
  })

  test('what is allowed and not reported fails', () => {
    expect(audit(report(), [entry]).stderr).toContain('is not reported any more')
  })

  test('a registry that cannot answer is no clean bill', () => {
    const { status, stderr } = audit(`answer('{"message":"405 Method Not Allowed"}', 1)`)
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('405 Method Not Allowed') })
    expect(audit(`answer('', 1, 'broken')`)).toMatchObject({ status: 1, stderr: expect.stringContaining('no report') })
  })
})

describe('publish', () => {
  const version = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')).version

  test('asks for a folder; never publishes without a tag', () => {
    expect(script('release-publish.mjs', [], `answer()`)).toMatchObject({ status: 1, asked: [] })
    for (const tag of [[], ['--tag', '']]) {
      const result = script('release-publish.mjs', [folder, '--publish', ...tag], `answer()`)
      expect(result).toMatchObject({ status: 1, asked: [], stderr: expect.stringContaining('--publish needs --tag') })
    }
  })

  test('what the gate refuses is not published', () => {
    const packages = join(folder, 'packages')
    mkdirSync(packages)
    const { status, stderr, asked } = script('release-publish.mjs', [packages], `answer('11.19.1')`)
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('nothing was published:\nnearhash is missing') })
    expect(asked).toEqual([['--version']])
  })

  test('an npm that cannot publish without a token is refused', () => {
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://example.test' }
    const { status, stderr } = script('release-publish.mjs', [folder], `answer('10.9.4')`, env)
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('npm 11.5.1 or later is needed') })
  })

  describe('a whole release', () => {
    let packages: string

    beforeEach(() => {
      packages = join(folder, 'packages')
      packRelease({ folder, tarballs: packages, version, repository: 'https://github.com/somebody/nearhash' })
    })

    const absent = `if (args[0] === '--version') answer('11.19.1')
      if (args[0] === 'view') answer('', 1, 'npm error code E404')`
    const publishes = (asked: string[][]) => asked.filter(([verb]) => verb === 'publish')

    test('is rehearsed unless told otherwise, the root package last', () => {
      const { status, stderr, asked } = script('release-publish.mjs', [packages], `${absent}\nanswer()`)
      expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('nothing was published') })
      expect(publishes(asked)).toHaveLength(9)
      expect(publishes(asked).every((args) => args.includes('--dry-run') && args.includes('--ignore-scripts'))).toBe(true)
      expect(publishes(asked).findIndex(([, file]) => file?.endsWith(`nearhash-${version}.tgz`))).toBe(8)
    })

    test('carries provenance where there is an identity', () => {
      const env = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://example.test' }
      const { status, asked } = script('release-publish.mjs', [packages], `${absent}\nanswer()`, env)
      expect(status).toBe(0)
      expect(publishes(asked).every((args) => args.includes('--provenance'))).toBe(true)
    })

    test('is not published from a tag of another version', () => {
      const args = [packages, '--publish', '--tag', 'v999.0.0']
      const { status, stderr, asked } = script('release-publish.mjs', args, `${absent}\nanswer()`)
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('the tag is v999.0.0') })
      expect(publishes(asked)).toEqual([])
    })

    test('is refused as a whole when one package is there with other contents', () => {
      const answers = `${absent.replace("'view') answer(", `'view' && args[1].includes('darwin-x64')) answer('"sha512-other"')\n if (args[0] === 'view') answer(`)}\nanswer()`
      const { status, stderr, asked } = script('release-publish.mjs', [packages], answers)
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('darwin-x64') })
      expect(stderr).toContain('is on the registry with other contents')
      expect(publishes(asked)).toEqual([])
    })

    test('is refused when the registry does not answer', () => {
      const answers = `if (args[0] === '--version') answer('11.19.1')\nanswer('', 1, 'npm error code ECONNREFUSED')`
      const { status, stderr, asked } = script('release-publish.mjs', [packages], answers)
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('the registry did not answer') })
      expect(publishes(asked)).toEqual([])
    })

    test('stops at the first failure and says what is out; a second run goes on from there', () => {
      const integrity = `const hash = require('node:crypto').createHash('sha512')`
      const failing = `${absent}\nif (args[1].includes('linux-x64-gnu')) answer('', 1, 'npm error code E500')\nanswer()`
      const first = script('release-publish.mjs', [packages], failing)
      expect(first.status).toBe(1)
      expect(first.stderr).toMatch(/binding-linux-x64-gnu@\S+ could not be rehearsed/)
      expect(publishes(first.asked).some(([, file]) => file?.endsWith(`nearhash-${version}.tgz`))).toBe(false)

      const file = join(packages, `nearhash-binding-darwin-x64-${version}.tgz`)
      const there = `if (args[0] === 'view' && args[1].includes('darwin-x64')) {
        ${integrity}
        answer(JSON.stringify('sha512-' + hash.update(require('node:fs').readFileSync(${JSON.stringify(file)})).digest('base64')))
      }`
      const second = script('release-publish.mjs', [packages], `${there}\n${absent}\nanswer()`)
      expect(second).toMatchObject({ status: 0, stderr: expect.stringContaining('is on the registry already') })
      expect(publishes(second.asked)).toHaveLength(8)
    })
  })
})

describe('smoke', () => {
  test('refuses arguments and empty folders', () => {
    expect(script('release-smoke.mjs', ['1.0.0', '2.0.0'], 'answer()')).toMatchObject({ status: 1, asked: [] })
    expect(script('release-smoke.mjs', ['--wait', 'long'], 'answer()')).toMatchObject({ status: 1, asked: [] })
    const result = script('release-smoke.mjs', ['--from', folder], 'answer()')
    expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining('should hold nearhash and @nearhash/binding-') })
  })

  test('a version that is not there fails', () => {
    const result = script('release-smoke.mjs', ['9.9.9'], `answer('', 1, 'npm error code ETARGET')`)
    expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining('npm install nearhash@9.9.9 failed') })
  })

  test('an installation without a platform package fails', () => {
    const result = script('release-smoke.mjs', ['9.9.9'], `answer()`)
    expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining('brought no platform package') })
  })
})
