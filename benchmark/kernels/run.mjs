// npm run bench:kernels: every kernel on every level of this CPU, beside what the machine can do. Writes kernels.json
// to where `npm run bench` writes, whose report then shows it.

import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeMachine, machineLine } from '../measure/machine.mjs'
import { kernelTable } from './table.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const args = ['bench', '--quiet', '--package', 'nearhash', '--features', 'kernel-benchmark', '--bench', 'kernels']
const found = JSON.parse(execFileSync('cargo', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))

const machine = describeMachine()
const table = kernelTable(found, `${machineLine(machine)}, ${machine.date}`)
const widths = table.columns.map((title, place) => Math.max(...[title, ...table.rows.map((row) => row[place])].map((text) => text.length)))
for (const row of [table.columns, ...table.rows]) {
  console.log(row.map((text, place) => (place < 4 ? text.padEnd(widths[place]) : text.padStart(widths[place]))).join('  ').trimEnd())
}
for (const note of table.notes) console.log(note)

const out = join(root, 'benchmark/results/bench')
await mkdir(out, { recursive: true })
await writeFile(join(out, 'kernels.json'), `${JSON.stringify({ ...table, ...found }, null, 2)}\n`)
console.log(`${join(out, 'kernels.json')}; npm run bench -- --report shows it`)
