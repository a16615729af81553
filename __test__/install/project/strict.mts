// Strict TypeScript, ES module.
import { L2, NearhashError, type Neighbors, type QueryResult } from 'nearhash'

const index = new L2({ nProjections: 4, nHashTables: 8, r: 4 })
await index.fit([[0, 0], [1, 0], [0, 1], [9, 9]])
const found: Neighbors = await index.search(new Float32Array([0.75, 0]), { k: 2 })
const [result]: QueryResult[] = await index.predict([0.75, 0], { topK: 2 })
const ids: Uint32Array = found.at(0).ids
// @ts-expect-error: an unknown option is an error of types
const refused = () => new L2({ projections: 4 })
try {
  refused()
} catch (error) {
  if (!(error instanceof NearhashError)) throw error
  console.log(JSON.stringify({ ids: [...ids], predicted: [...(result?.index ?? [])], code: error.code }))
}
