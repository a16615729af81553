import { describe, expect, test } from 'vitest'
import type { Experiment, FamilyResult, Trial } from '../../benchmark/demo/experiment.mjs'
import { sixPanels } from '../../benchmark/report/figure.mjs'
import { htmlReport } from '../../benchmark/report/html.mjs'
import { factor, milliseconds, share, wholeNumber } from '../../benchmark/report/numbers.mjs'
import { ProgressLine } from '../../benchmark/report/progress.mjs'
import { renderPng, renderSvg } from '../../benchmark/report/render.mjs'
import { textTable } from '../../benchmark/report/table.mjs'
import { familyText, finding, introductionText } from '../../benchmark/report/text.mjs'

const timing = (median: number) => ({ median, lowerQuartile: median * 0.9, upperQuartile: median * 1.1, fastest: median * 0.8, slowest: median * 2, runs: 5 })

function trial(nProjections: number, nHashTables: number, probes: number, recallAt10: number, milliseconds: number): Trial {
  return {
    probing: probes > 0 ? 'multi-probe' : 'base',
    nProjections, nHashTables, probes, recallAt10,
    firstInTop5: recallAt10,
    collisions: 1234.5,
    fit: timing(7.5),
    predict: timing(milliseconds),
    speedUp: 20 / milliseconds,
    speedUpOverKnn: 10 / milliseconds,
  }
}

const family = (name: 'L2' | 'SRP'): FamilyResult => ({
  family: name,
  metric: name === 'L2' ? 'euclidean' : 'cosine',
  calls: 'blocking',
  exact: { cdist: timing(20), knn: timing(10) },
  trials: [trial(15, 5, 0, 0.453, 0.25), trial(15, 100, 0, 0.971, 4), trial(15, 5, 10, 0.865, 1.5), trial(30, 5, 0, 0.143, 0.0625), trial(30, 5, 10, 0.432, 0.5)],
})

const experiment: Experiment = {
  rows: 32000, dim: 64, queries: 100, neighbours: 10,
  meanDistance: 2100.8, R: 840.32, nearShare: 0.95, r: 4, seed: 1,
  families: [family('L2'), family('SRP')],
  notes: ['A note on what was <left> out.'],
}

const machine = {
  cpu: 'Test CPU', cores: 2, memoryGiB: 4, os: 'Linux 6 x64', node: 'v20.20.2', nearhash: '0.1.0', threads: 2, kernel: 'portable', date: '2026-01-02T03:04:05.000Z',
}

describe('text', () => {
  test('a table is aligned on both sides', () => {
    const columns = [{ title: 'name', align: 'left' as const }, { title: 'x' }]
    const table = textTable(columns, [[['a', '1'], ['longer', '1,234']], [['é', '.5']]])
    expect(table).toBe([
      'name        x',
      '─────────────',
      'a           1',
      'longer  1,234',
      '',
      'é          .5',
      '',
    ].join('\n'))
  })

  test('numbers', () => {
    expect([0.0614, 0.61449, 6.1449, 61.449, 614.49, 6144.9].map(milliseconds)).toEqual(['0.061', '0.614', '6.14', '61.4', '614', '6,145'])
    expect([0, 0.0626, 0.9712, 1].map(share)).toEqual(['.000', '.063', '.971', '1.000'])
    expect([0.451, 2.349, 23.49, 234.9].map(factor)).toEqual(['0.45', '2.35', '23.5', '235'])
    expect(wholeNumber(31999.7)).toBe('32,000')
  })

  test('every trial is a row, every row as long as its headings', () => {
    const lines = familyText(experiment, family('L2')).split('\n')
    const head = lines.findIndex((line) => line.includes('recall@10'))
    const rows = lines.slice(head + 2, head + 2 + 8).filter(Boolean)
    expect(rows).toHaveLength(5)
    for (const row of rows) expect(row).toHaveLength(lines[head]!.length)
    expect(rows[1]).toMatch(/^15 +100 +0 +\.971 +\.971 +1,235 +7\.50 +4\.00 +5\.00 +2\.50$/)
    expect(lines[1]).toBe('exact, same run: cdist 20.0 ms, k-NN 10.0 ms for all queries')
    expect(introductionText(experiment)).toContain('95 % of the queries')
    expect(introductionText(experiment)).toContain('R = mean / 2.5 = 840.3')
  })

  test('the finding compares with the faster exact search, and owns up', () => {
    expect(finding(experiment, family('L2'))).toBe('Fastest with recall@10 of at least .950: k = 15, L = 100, recall .971 in 4.00 ms, 2.50 times as fast as the faster exact search.')
    const slow = { ...family('L2'), trials: [trial(15, 5, 50, 0.99, 15)] }
    expect(finding(experiment, slow)).toContain('slower than the faster exact search, 1.50 times its time')
    const poor = { ...family('L2'), trials: [trial(15, 5, 0, 0.9, 1)] }
    expect(finding(experiment, poor)).toBe('No setting reaches recall@10 of .950 here.')
  })
})

describe('figure', () => {
  const spec = sixPanels(experiment, family('L2'), { dataName: 'photos', threads: 2 })

  test('has six panels, the exact times and no data from elsewhere', async () => {
    const svg = await renderSvg(spec)
    for (const title of ['Recall, base', 'Query time, base', 'Fit time, base', 'Recall, multi-probe', 'Query time, multi-probe', 'Fit time, multi-probe']) {
      expect(svg.split(title)).toHaveLength(2)
    }
    expect(svg.match(/exact cdist 20\.0/g)).toHaveLength(2)
    expect(svg.match(/exact k-NN 10\.0/g)).toHaveLength(2)
    expect(svg).toContain('photos: 32,000 points × 64')
    expect(JSON.stringify(spec)).not.toContain('"url"')
    const addresses = svg.match(/\bhttps?:[^"]*/g)
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink']))
  })

  test('as PNG is twice the size and not empty', async () => {
    const svg = await renderSvg(spec)
    const png = renderPng(svg)
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2 * Number(width), 2 * Number(height)])
    expect(png.length).toBeGreaterThan(20_000)
  })

  test('stands with one trial and with a budget of 0', async () => {
    const lone = { ...family('SRP'), trials: [{ ...trial(15, 5, 0, 0.5, 1), probing: 'multi-probe' as const }] }
    const svg = await renderSvg(sixPanels(experiment, lone, { dataName: 'photos', threads: 1 }))
    expect(svg).toContain('Recall, multi-probe')
    expect(svg).not.toContain('NaN')
  })
})

describe('HTML report', async () => {
  const families = await Promise.all(experiment.families.map(async (result) => (
    { result, svg: await renderSvg(sixPanels(experiment, result, { dataName: 'photos', threads: 2 })) }
  )))
  const html = htmlReport({ experiment, machine, dataName: 'my <photos> & "more"', families })

  test('holds figures, tables, findings, method and machine', () => {
    expect(html.match(/<svg /g)).toHaveLength(2)
    expect(html.match(/<tr><td>/g)).toHaveLength(10)
    for (const result of experiment.families) expect(html).toContain(finding(experiment, result))
    expect(html).toContain('How it was measured')
    expect(html).toContain('Test CPU, 2 cores, Linux 6 x64, Node v20.20.2, nearhash 0.1.0 on 2 threads with portable kernels, 4 GiB memory')
    expect(html).toContain('2026-01-02T03:04:05.000Z')
    expect(html).toContain('5 runs of one call with all queries')
  })

  test('loads nothing', () => {
    expect(html).not.toMatch(/https?:/)
    expect(html).not.toMatch(/<(script|link|img|iframe|object)\b/)
    expect(html).not.toMatch(/\b(src|href)=|@import|url\(/)
  })

  test('is readable on a phone, in light and in dark', () => {
    expect(html).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">')
    expect(html).toContain('prefers-color-scheme: dark')
    expect(html).toContain('fill="var(--ink)"')
    // A fixed colour would stay as it is in the dark.
    expect(html).not.toMatch(/(fill|stroke)="#/)
  })

  test('shows text as text', () => {
    expect(html).toContain('my &lt;photos&gt; &amp; &quot;more&quot;')
    expect(html).toContain('A note on what was &lt;left&gt; out.')
    expect(html).not.toContain('<photos>')
  })
})

describe('progress line', () => {
  const terminal = (isTTY: boolean) => {
    const written: string[] = []
    const stream = {
      isTTY, columns: 40,
      write: (text: string) => written.push(text),
      cursorTo: () => true,
      clearLine: () => true,
    }
    return { written, line: new ProgressLine(stream as unknown as NodeJS.WriteStream) }
  }

  test('keeps to the width of the terminal', () => {
    const { written, line } = terminal(true)
    line.show({ stage: 'a stage with a name far longer than the terminal is wide', done: 3, total: 4 })
    line.clear()
    expect(written).toHaveLength(1)
    expect(written[0]).toHaveLength(39)
    expect(written[0]).toContain('3/4')
  })

  test('is silent where there is no terminal', () => {
    const { written, line } = terminal(false)
    line.show({ stage: 'stage', done: 1, total: 2 })
    line.clear()
    expect(written).toEqual([])
  })
})
