/** Test data that is the same in every run. All numbers are float32 exactly, so that float64 sums begin with the same. */

/** Numbers from 0 up to 1, the same ones for a seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Standard normal numbers. */
export function normal(seed: number): () => number {
  const random = uniform(seed)
  return () => Math.fround(Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}

/** Integers from 0 up to `below`: few of them make ties and duplicates. */
export function integers(seed: number, below: number): () => number {
  const random = uniform(seed)
  return () => Math.floor(random() * below)
}

/** So many rows of so many drawn numbers. */
export function rowsOf(count: number, dim: number, draw: () => number): number[][] {
  return Array.from({ length: count }, () => Array.from({ length: dim }, draw))
}

/** The same as one float32 matrix, for sizes that are worth it. */
export function matrixOf(rows: number, dim: number, draw: () => number): { data: Float32Array; shape: [number, number] } {
  const data = new Float32Array(rows * dim)
  for (let i = 0; i < data.length; i++) data[i] = draw()
  return { data, shape: [rows, dim] }
}
