import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as nearhash from 'nearhash'
import * as searchEngine from 'nearhash/search-engine'
import { describe, expect, it } from 'vitest'
import { runProgram } from './support/programs.js'

const require = createRequire(import.meta.url)

describe('the package', () => {
  it('exports these names and no others', () => {
    expect(Object.keys(nearhash).sort()).toEqual(
      [
        ...['ClusterTokens', 'Index', 'L2', 'LshTokens', 'NearhashError', 'SRP', 'cdist', 'cdistSync', 'configure', 'knn', 'knnSync'],
        ...['runtime', 'stats', 'weightedOverlap'],
      ].sort(),
    )
    expect(Object.keys(nearhash.stats).sort()).toEqual(['collisionProbCosine', 'collisionProbL2', 'detProbQuery', 'estimateL'])
  })

  it('exports these names for search engines and no others', () => {
    expect(Object.keys(searchEngine).sort()).toEqual(['EngineNeighbors', 'SearchEngineError', 'SearchEngineIndex', 'connect', 'fromClient'])
  })

  it('is the same by import and by require', () => {
    expect((require('nearhash/search-engine') as typeof searchEngine).SearchEngineIndex).toBe(searchEngine.SearchEngineIndex)
    const required = require('nearhash') as typeof nearhash
    expect(Object.keys(required).sort()).toEqual(Object.keys(nearhash).sort())
    expect(required.SRP).toBe(nearhash.SRP)
    expect(required.NearhashError).toBe(nearhash.NearhashError)
  })

  it('says what it runs with', () => {
    const { version } = require('nearhash/package.json') as { version: string }
    expect(nearhash.runtime()).toEqual({ version, cpu: expect.stringMatching(/^\w+$/), threads: expect.any(Number) })
    expect(nearhash.runtime().threads).toBeGreaterThanOrEqual(1)
  })

  it('shows nothing else of itself', () => {
    for (const path of ['nearhash/dist/index.js', 'nearhash/bindings/binding.cjs', 'nearhash/native']) {
      expect(() => require(path) as unknown).toThrow(/not defined by "exports"/)
    }
  })

  it('needs no other package', () => {
    const manifest = require('nearhash/package.json') as Record<string, unknown>
    expect(manifest).not.toHaveProperty('dependencies')
    expect(manifest).not.toHaveProperty('peerDependencies')
    expect(manifest['scripts']).not.toHaveProperty('install')
    expect(manifest['scripts']).not.toHaveProperty('postinstall')
    const manifestFile = readFileSync(require.resolve('nearhash/package.json'), 'utf8')
    expect(manifestFile).toContain('"node": ">=20.19"')
  })

  it.each(['import.mjs', 'require.cjs', 'dynamic-import.cjs'])('works in a program of its own: %s', async (program) => {
    expect(await runProgram(program)).toEqual({ code: 0, signal: null, stdout: '1,0\n', stderr: '' })
  })

  it('works by require with no warning, also in a worker', async () => {
    expect(await runProgram('require.cjs', { args: ['worker'] })).toEqual({ code: 0, signal: null, stdout: '1,0\n', stderr: '' })
  })
})
