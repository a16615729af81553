import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { knn } from 'nearhash'
import { dump } from 'npyjs'
import { kindsFor, makeStrangers } from './strangers.mjs'

/** @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet */

/** Exact neighbours a stranger gets. */
export const STRANGER_NEIGHBOURS = 100

/**
 * Writes the strangers of a set and their exact neighbours as `<folder>/<set>/<kind>-queries.npy` (float32) and
 * `<kind>-neighbors.npy` (int32, nearest first, in the set's metric).
 *
 * @param {EvaluationSet} set
 * @param {string} folder
 * @param {{ onProgress?: (kind: string) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<string[]>} the kinds
 */
export async function writeStrangers(set, folder, { onProgress, signal } = {}) {
  const place = join(folder, set.name)
  await mkdir(place, { recursive: true })
  const kinds = kindsFor(set)
  for (const kind of kinds) {
    onProgress?.(kind)
    const queries = makeStrangers(set, kind)
    const k = Math.min(STRANGER_NEIGHBOURS, set.base.shape[0])
    const { ids } = await knn(set.base, queries, { k, metric: set.metric, signal })
    await writeFile(join(place, `${kind}-queries.npy`), new Uint8Array(dump(/** @type {Float32Array} */ (queries.data), [...queries.shape])))
    await writeFile(join(place, `${kind}-neighbors.npy`), new Uint8Array(dump(Int32Array.from(ids), [queries.shape[0], k])))
  }
  return kinds
}
