import { readFileSync } from 'node:fs'
import { parse } from 'npyjs'

const FILE = new URL('../../benchmark/data/photo-histograms-64-32000.npy', import.meta.url)

/** 32,000 colour histograms of real photos, 64 numbers each. */
export function photoHistograms(): { data: Uint16Array; shape: [rows: number, dim: number] } {
  const { buffer, byteOffset, byteLength } = readFileSync(FILE)
  const { data, shape } = parse(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer)
  if (!(data instanceof Uint16Array)) throw new Error(`${FILE.pathname}: no uint16 numbers`)
  return { data, shape: [shape[0]!, shape[1]!] }
}
