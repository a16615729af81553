import { present } from '../options.js'
import type { NumericArray } from '../vectors.js'
import type { EngineDocument } from './documents.js'
import type { EngineContext } from './engine-context.js'
import { isObject, SearchEngineError } from './engine-error.js'
import { firstText, hitsOf } from './hits.js'
import type { IndexOptions } from './mapping.js'
import { ID_FIELD, ROOT, vectorsFromText } from './models.js'

/** How long the server keeps a scroll between two pages. */
const SCROLL = '5m'

const PAGE = 1000

/** @internal Every document of an index with its vectors of some models, in no order. */
export async function* documentsOf(
  context: EngineContext,
  index: string,
  names: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<EngineDocument> {
  const models = [...context.models.values()].filter(({ name }) => names.includes(name))
  const more = present({ signal })
  let reply = await context.ask('read documents', {
    method: 'POST',
    path: `/${index}/_search`,
    query: { scroll: SCROLL, allow_partial_search_results: false },
    body: {
      size: PAGE,
      sort: ['_doc'],
      _source: { excludes: [ROOT] },
      docvalue_fields: [ID_FIELD, ...models.map(({ vector }) => vector)],
      query: { match_all: {} },
    },
    ...more,
  })
  let scroll: unknown
  try {
    for (;;) {
      const body = isObject(reply.body) ? reply.body : {}
      scroll = body['_scroll_id'] ?? scroll
      const failed = isObject(body['_shards']) ? Number(body['_shards']['failed'] ?? 0) : 0
      if (failed > 0 || body['timed_out'] === true) {
        throw new SearchEngineError({
          code: 'ERR_NEARHASH_ENGINE_PARTIAL_RESULT',
          operation: 'read documents',
          received: `a page without ${failed} shards`,
          allowed: 'every shard',
        })
      }
      const hits = hitsOf(body)
      if (hits.length === 0) return
      for (const hit of hits) {
        const { _source, _routing, fields } = isObject(hit) ? hit : {}
        const values = isObject(fields) ? fields : {}
        const id = firstText(values, ID_FIELD)
        if (id === undefined) continue
        const vectors: Record<string, NumericArray> = {}
        for (const model of models) {
          const text = firstText(values, model.vector)
          if (text !== undefined) vectors[model.name] = vectorsFromText(model, [text])
        }
        if (Object.keys(vectors).length === 0) continue
        yield {
          id,
          vectors,
          fields: isObject(_source) ? _source : {},
          ...(typeof _routing === 'string' ? { routing: _routing } : {}),
        }
      }
      // Not repeated after a lost answer: the next page may have been passed over then.
      const next = { method: 'POST', path: '/_search/scroll', body: { scroll: SCROLL, scroll_id: scroll }, ...more } as const
      reply = await context.transport.request(next).then((answer) => {
        if (answer.status < 300) return answer
        throw new SearchEngineError({
          code: 'ERR_NEARHASH_ENGINE_UNAVAILABLE',
          operation: 'read documents',
          received: `${answer.status} for the next page`,
          allowed: 'a server that keeps the scroll',
          status: answer.status,
        })
      })
    }
  } finally {
    if (scroll !== undefined) {
      const end = { method: 'DELETE', path: '/_search/scroll', body: { scroll_id: scroll } } as const
      // The server ends it by itself after a while.
      await context.transport.request(end).catch(() => {})
    }
  }
}

/** @internal How the documents' own fields are mapped in an index, to make the next one alike. */
export async function likeIndex(context: EngineContext, index: string): Promise<IndexOptions> {
  const { mappings } = await context.check(index)
  const { properties, _meta, _source, ...rest } = mappings
  const { [ROOT]: _own, ...fields } = isObject(properties) ? properties : {}
  const { [ROOT]: _ownMeta, ...meta } = isObject(_meta) ? _meta : {}
  const excludes = isObject(_source) && Array.isArray(_source['excludes']) ? (_source['excludes'] as unknown[]) : []
  const kept = excludes.filter((pattern) => pattern !== ROOT)
  const { body } = await context.ask(`settings of ${index}`, { method: 'GET', path: `/${index}/_settings` })
  const [about] = Object.values(isObject(body) ? body : {})
  const settings = isObject(about) && isObject(about['settings']) && isObject(about['settings']['index']) ? about['settings']['index'] : {}
  const { number_of_shards: shards, number_of_replicas: replicas, refresh_interval: refresh, analysis } = settings
  return {
    shards: Number(shards ?? 1),
    replicas: Number(replicas ?? 1),
    settings: present({ refresh_interval: refresh, analysis }),
    mappings: {
      ...rest,
      properties: fields,
      ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
      ...(kept.length === 0 ? {} : { _source: { excludes: kept } }),
    },
  }
}
