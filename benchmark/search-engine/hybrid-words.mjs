// npm run example:hybrid [-- <meaning> <spelling>]: "means something like this and is spelled like that", on 40,353
// English words with their vectors (data set words-300). NEARHASH_DATA=<folder> has to hold words-300.
// NEARHASH_ENGINE_URL=<address> uses a search engine that runs; otherwise one is started.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterTokens } from 'nearhash'
import { connect, SearchEngineIndex } from 'nearhash/search-engine'
import { EngineCluster } from '../../scripts/engine-cluster.mjs'
import { runCommand, UsageError } from '../command-line.mjs'
import { readSet } from '../datasets/evaluation-set.mjs'

const [meaning = 'ship', spelling = 'boathouse'] = process.argv.slice(2)

await runCommand('npm run example:hybrid', async (signal) => {
  const data = process.env['NEARHASH_DATA']
  if (!data) throw new UsageError('NEARHASH_DATA is not set; it has to name the folder that holds words-300')
  const { base } = await readSet(join(data, 'words-300'), { queries: 1, signal })
  const words = (await readFile(join(data, 'words-300', 'base_words.txt'), 'utf8')).trimEnd().split('\n')

  const url = process.env['NEARHASH_ENGINE_URL']
  const cluster = url === undefined ? await EngineCluster.start() : undefined
  try {
    const model = await ClusterTokens.train(base, { metric: 'cosine', signal })
    const index = new SearchEngineIndex({ transport: connect({ nodes: url ?? /** @type {EngineCluster} */ (cluster).url }), name: 'words', model })
    await index.create({
      replicas: 0,
      mappings: { properties: { length: { type: 'integer' }, spelling: { type: 'text' } } },
    })
    const [, dim] = base.shape
    const documents = words.map((word, i) => ({
      id: word,
      vector: /** @type {Float32Array} */ (base.data).subarray(i * dim, (i + 1) * dim),
      fields: { length: word.length, spelling: trigrams(word) },
    }))
    await index.bulkIngest(documents, { loadMode: true, signal })

    const query = { match: { spelling: trigrams(spelling) } }
    const near = await index.search({ id: meaning })
    const filtered = await index.search({ id: meaning, filter: { range: { length: { gte: 8 } } } })
    const blended = await index.search({ id: meaning, hybrid: { query } })
    const both = await index.search({ id: meaning, must: { match: { spelling: { query: trigrams(spelling), minimum_should_match: 2 } } } })
    process.stdout.write(
      [
        `means something like "${meaning}":  ${near.ids.join(', ')}`,
        `... and has 8 letters or more:  ${filtered.ids.join(', ')}`,
        `... or is spelled like "${spelling}", blended:  ${blended.ids.join(', ')}`,
        `... and is spelled like it:  ${both.ids.join(', ')}`,
        '',
      ].join('\n'),
    )
    if (cluster === undefined) await connect({ nodes: url ?? '' }).request({ method: 'DELETE', path: `/${await index.open()}` })
  } finally {
    await cluster?.stop()
  }
})

/**
 * A word's spelling as text that any search engine ranks: its letters by threes.
 *
 * @param {string} word
 */
function trigrams(word) {
  const letters = `__${word}__`
  return Array.from({ length: letters.length - 2 }, (_, i) => letters.slice(i, i + 3)).join(' ')
}
