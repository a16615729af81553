import { describe, expect, test } from 'vitest'
import type { Measured, SetResult } from '../../benchmark/comparison/measure.mjs'
import type { ComparisonResults } from '../../benchmark/comparison/session.mjs'
import { growthFigure, setFigure } from '../../benchmark/report/comparison-figures.mjs'
import { comparisonPage } from '../../benchmark/report/comparison-page.mjs'
import { catchUp, growthLines, summariseSet } from '../../benchmark/report/comparison-summary.mjs'
import { findings, growthText, markdownTable, setText } from '../../benchmark/report/comparison-text.mjs'
import { renderSvg } from '../../benchmark/report/render.mjs'

const timing = (median: number) => ({ median, lowerQuartile: median, upperQuartile: median, fastest: median, slowest: median, runs: 3 })
const queryTime = (wall: number, cpu = wall) => ({ wall: timing(wall), cpu: timing(cpu) })

function measured(rival: string, plan: string, recall: number, micros: number, more: Partial<Measured> = {}): Measured {
  return { rival, plan, setting: { effort: micros }, k: 10, threads: 1, exact: false, recall, p1: recall - 0.3, p5: recall - 0.2, none: 0, single: queryTime(micros, micros / 2), ...more }
}

function build(rival: string, plan: string, seconds: number, bytes: number, rowBytes: number) {
  return { rival, plan, options: {}, threads: 1, seconds, cpuSeconds: seconds / 2, bytes, rowBytes, basis: 'told', residentBytes: 0 }
}

const set: SetResult = {
  name: 'photos', metric: 'euclidean', type: 'uint8', rows: 1000, dim: 16, judged: 100,
  builds: [build('index', 'default', 0.5, 20_000, 16_000), build('hnswlib', 'M = 16', 30, 80_000, 64_000), build('hnswlib', 'M = 32', 40, 96_000, 64_000), build('exact', 'rows', 0, 16_000, 16_000)],
  measured: [
    measured('index', 'default', 0.9, 4), measured('index', 'default', 0.95, 5, { oneCall: queryTime(3) }), measured('index', 'default', 0.99, 8),
    measured('hnswlib', 'M = 16', 0.97, 20), measured('hnswlib', 'M = 16', 0.985, 60), measured('hnswlib', 'M = 32', 0.98, 30),
    measured('hnswlib', 'M = 32', 0.5, 1, { k: 100 }),
    measured('exact', 'rows', 1, 1000, { exact: true }),
  ],
  parallelBuilds: [{ ...build('index', 'default', 0.25, 20_000, 16_000), threads: 2 }],
  parallelMeasured: [measured('index', 'default', 0.96, 5, { threads: 2, oneCall: queryTime(2) })],
  skipped: [{ rival: 'numpy', name: 'NumPy/BLAS exact', set: 'photos', reason: 'no <Python>' }],
}
const results: ComparisonResults = {
  format: 1,
  kind: 'comparison',
  machine: { cpu: 'Test CPU', cores: 2, memoryGiB: 4, os: 'Linux 6 x64', node: 'v20.20.2', nearhash: '0.1.0', threads: 2, kernel: 'portable', date: '2026-01-02T03:04:05.000Z', cpuFlags: ['avx2', 'fma'], load: 0.25 },
  settings: { quick: false, rounds: 3, threads: 2, clock: 'wall' },
  rivals: [
    { id: 'index', name: 'nearhash Index', version: '0.1.0', build: 'release' },
    { id: 'exact', name: 'nearhash exact scan', version: '0.1.0', build: 'release' },
    { id: 'hnswlib', name: 'hnswlib (C++)', version: '0.8.0', build: '-O3 <native>' },
  ],
  sets: [set],
}
const growth: ComparisonResults = {
  ...results,
  kind: 'growth',
  enlarged: { seed: 1, sigma: 0.5, realRows: 1500 },
  sets: [1000, 100_000].map((rows) => ({
    ...set,
    rows,
    measured: set.measured.map((point) => ({ ...point, single: queryTime(point.single!.wall.median * (rows / 1000) ** (point.exact ? 1 : 0.3)) })),
  })),
}

describe('the summary of a set', () => {
  const [index, exact, hnswlib] = summariseSet(results, set)

  test('takes the best plan of each, with its build and memory', () => {
    expect(index).toMatchObject({ plan: 'default', buildSeconds: 0.5, parallelBuildSeconds: 0.25, bytesPerVector: 20, extraBytesPerVector: 4, queriesPerSecond: 500_000 })
    expect(index!.times.map((found) => found?.time)).toEqual([5, expect.closeTo(6.54, 1), 8])
    // The lowest setting of M = 16 finds more than .95 and is the fastest all the same.
    expect(hnswlib).toMatchObject({ plan: 'M = 16', buildSeconds: 30, extraBytesPerVector: 16, times: [{ time: 20, basis: 'above' }, { time: 30 }, undefined] })
    expect(exact).toMatchObject({ exact: true, times: [{ time: 1000 }, { time: 1000 }, { time: 1000 }] })
  })

  test('takes CPU time where that was asked for', () => {
    const [onCpu] = summariseSet({ ...results, settings: { ...results.settings, clock: 'cpu' } }, set)
    expect(onCpu).toMatchObject({ buildSeconds: 0.25, times: [{ time: 2.5 }, {}, { time: 4 }] })
  })

  test('tells percentiles at the setting next above .95', () => {
    expect(index!.p1).toBeCloseTo(0.65, 12)
    expect(hnswlib!.p5).toBeCloseTo(0.77, 12)
  })

  test('knows from which query on an index pays', () => {
    expect(catchUp(index!, exact!)).toBeCloseTo(0.5 / 995e-6, 6)
    expect(catchUp(index!, hnswlib!)).toBeUndefined()
  })
})

test('the text has ratios to Index, upper bounds, what is not reached and who is missing', () => {
  const text = setText(results, set)
  expect(text).toContain('photos: 1,000 x 16, euclidean, 100 queries')
  expect(text).toMatch(/hnswlib \(C\+\+\) +M = 16 +≤ 20\.0 +30\.0 +– +4\.00 +4\.59/)
  expect(text).toMatch(/nearhash exact scan +rows +1,000 +1,000 +1,000 +200/)
  expect(text).toContain('Left out: NumPy/BLAS exact: no <Python>')
  expect(findings(summariseSet(results, set))).toEqual([
    'At recall@10 of .95 nearhash Index takes 5.0 µs a query; the fastest other, hnswlib (C++), 20.0 µs, 4.00 times as long.',
    'Building nearhash Index pays from 503 queries on, against exact scan.',
  ])
})

test('where another is faster, that is said', () => {
  const slow = { ...set, measured: set.measured.map((point) => (point.rival === 'index' ? { ...point, single: queryTime(100) } : point)) }
  expect(findings(summariseSet(results, slow))[0]).toContain('hnswlib (C++), 20.0 µs, 5.00 times faster')
})

test('the table for a README has a line a system and three columns a set', () => {
  expect(markdownTable(results).trim().split('\n')).toEqual([
    '| | photos µs @.95 / .99 | build s | B/vector |',
    '| --- | ---: | ---: | ---: |',
    '| nearhash Index 0.1.0 | 5.0 / 8.0 | 0.50 | 20 |',
    '| nearhash exact scan 0.1.0 | 1,000 | 0.00 | 16 |',
    '| hnswlib (C++) 0.8.0 | ≤ 20.0 / – | 30.0 | 80 |',
  ])
})

test('growth has exponents, and no build of what is not built', () => {
  const lines = growthLines(growth, 0.95)
  expect(lines.map(({ id, exponent }) => [id, exponent?.toFixed(2)])).toEqual([['index', '0.30'], ['exact', '1.00'], ['hnswlib', '0.30']])
  expect(growthLines(growth, 'build').map(({ id }) => id)).toEqual(['index', 'hnswlib'])
  expect(growthText(growth)).toMatch(/nearhash Index +5\.0 +19\.9 +0\.30/)
})

test('figures and page hold all of it and load nothing', async () => {
  const svg = await renderSvg(setFigure(results, set))
  const growthSvg = await renderSvg(growthFigure(growth))
  for (const one of [svg, growthSvg]) {
    expect(one).toContain('hnswlib (C++)')
    expect(one).not.toMatch(/NaN|Infinity|undefined/)
  }
  expect(svg).toContain('k = 100, a call a query')
  expect(growthSvg).toContain('n^0.30')
  const html = comparisonPage({ comparison: { results, svgs: [svg] }, growth: { results: growth, svg: growthSvg }, kernels: { columns: ['kernel'], rows: [['dot'], [3]] } })
  expect(html.match(/<svg /g)).toHaveLength(2)
  expect(html).toContain('no &lt;Python&gt;')
  expect(html).toContain('-O3 &lt;native&gt;')
  expect(html).toContain('avx2 fma')
  expect(html).toContain('Beyond 1,500 they are copies')
  expect(html).toContain('Kernels against the machine')
  expect(html).not.toMatch(/https?:|\b(src|href)=|@import|url\(/)
  expect(html).not.toMatch(/(fill|stroke)="#/)
  // Any part may be missing.
  expect(comparisonPage({})).toContain('<h1>')
})
