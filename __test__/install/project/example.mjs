// The README's example. Its last line is JSON, so that every runtime can be held against every other.
import { L2, SRP, runtime } from 'nearhash'

const dim = 16 // 20,000 points, one row after the other
const points = Float32Array.from({ length: 20_000 * dim }, (_, i) => (Math.floor(i / dim) % 50) + ((i * i) % 1009) / 1009)

const index = new L2({ dim }) // what is left out, fit chooses from the data
await index.fit(points)

const [nearest] = await index.predict(points.subarray(0, dim), { topK: 3, onlyIndex: true })
const { recall } = await index.evaluate(points.subarray(0, 200 * dim), { k: 10 })
const found = await index.search(points.subarray(0, 200 * dim), { k: 10 })

const cosine = new SRP({ nProjections: 8, nHashTables: 4, dim })
cosine.fitSync(points.subarray(0, 2_000 * dim))
const codes = cosine.hash(points.subarray(0, 50 * dim)).data

console.log(
  JSON.stringify({
    cpu: runtime().cpu,
    nearest: Array.from(nearest.index),
    recall,
    digest: digest(found.ids, new Uint32Array(found.distances.buffer, found.distances.byteOffset, found.distances.length), codes),
  }),
)

/** FNV-1a over 32-bit words. */
function digest(...arrays) {
  let hash = 0x811c9dc5
  for (const array of arrays) for (const word of array) hash = Math.imul(hash ^ word, 0x01000193) >>> 0
  return hash.toString(16).padStart(8, '0')
}
