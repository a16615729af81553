// The table of kernels beside the machine's limits: shares are of the right limit.

import { describe, expect, it } from 'vitest'
import { kernelTable } from '../../benchmark/kernels/table.mjs'
import { comparisonPage } from '../../benchmark/report/comparison-page.mjs'

const arrays = [16 * 1024, 256 * 1024, 8 * 2 ** 20, 256 * 2 ** 20]
const limits = [
  { level: 'portable', clock: 2e9, arrays, read: [50e9, 40e9, 30e9, 8e9], floatProducts: 2, byteProducts: 4 },
  { level: 'avx2', clock: 2e9, arrays, read: [100e9, 80e9, 40e9, 10e9], floatProducts: 16, byteProducts: 32 },
]
const row = { kernel: 'sums <all>', shape: '10 rows', bytes: 4000, products: 8000, peakProducts: 16 }

describe('kernels beside limits', () => {
  const measured = [
    { ...row, place: 'L2' as const, level: 'avx2', seconds: 1e-6 },
    { ...row, place: 'memory' as const, level: 'avx2', seconds: 1e-6 },
    { ...row, place: 'L2' as const, level: 'portable', seconds: 4e-6, peakProducts: 2 },
    { ...row, place: 'L2' as const, level: 'portable', seconds: 1e-6, products: 0, peakProducts: 0 },
  ]
  const table = kernelTable({ limits, measured }, 'a machine')

  it('says bytes a second, multiply-adds a cycle and their shares', () => {
    const numbers = table.rows.map((cells) => cells.slice(4))
    expect(numbers).toEqual([
      // 4 GB/s of 80 from L2; 8,000 in 2,000 cycles, of 16.
      ['1.00', '4.0', '5 %', '4.00', '25 %'],
      // Of 10 from memory.
      ['1.00', '4.0', '40 %', '4.00', '25 %'],
      // The fastest level's reading is the machine's, multipliers are the level's own.
      ['4.00', '1.0', '1 %', '1.00', '50 %'],
      ['1.00', '4.0', '5 %', '–', '–'],
    ])
    for (const cells of table.rows) expect(cells).toHaveLength(table.columns.length)
  })

  it('names the limits', () => {
    const notes = table.notes.join('\n')
    expect(notes).toContain('100 from 16 KiB, 80 from 256 KiB, 40 from 8 MiB, 10 from 256 MiB')
    expect(notes).toContain('portable 2.0 of float32, 4 of bytes; avx2 16.0 of float32, 32 of bytes. The clock was at 2.00 GHz')
  })

  it('is part of the report', () => {
    const html = comparisonPage({ kernels: table })
    expect(html).toContain('a machine')
    expect(html).toContain('sums &lt;all&gt;')
    expect(html).toContain('of reading')
  })
})
