import type { NearhashError, VectorIndex } from 'nearhash'
import { refusal, rejection } from './errors.js'

/** What every kind of change is refused with, by its name. */
export async function refusedChanges(
  index: VectorIndex,
  points: number[][],
  queries: number[][],
): Promise<NearhashError[]> {
  return [
    await rejection(() => index.fit(points)),
    refusal(() => index.fitSync(points)),
    await rejection(() => index.storeVecs(queries)),
    refusal(() => index.storeVecsSync(queries)),
    refusal(() => index.storeVec(queries[0]!)),
    refusal(() => index.updateVec(0, queries[0]!)),
    refusal(() => index.deleteVec(0)),
    refusal(() => index.deleteVec(points[0]!)),
    refusal(() => index.reset()),
  ]
}
