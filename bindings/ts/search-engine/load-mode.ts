import { isObject } from './engine-error.js'
import { readMeta, type IndexMeta } from './mapping.js'
import { ROOT } from './models.js'
import { ask, type RetryOptions } from './retries.js'
import type { EngineTransport } from './transport.js'

/** Settings that cost while documents stream in. */
type Settings = NonNullable<IndexMeta['setAside']>

/**
 * @internal Run some work with refreshes and replicas turned off, and put both back whatever happens.
 *
 * What they were is written into the index first: a process that is killed leaves it there, and the next one puts back
 * that, not what it finds.
 */
export async function inLoadMode<T>(
  transport: EngineTransport,
  index: string,
  retries: Required<RetryOptions>,
  work: () => Promise<T>,
): Promise<T> {
  const meta = await wholeMeta(transport, index, retries)
  const own = meta[ROOT] as IndexMeta | undefined
  const before = own?.setAside ?? (await readSettings(transport, index, retries))
  await writeMeta(transport, index, retries, { ...meta, [ROOT]: { ...own, setAside: before } })
  try {
    await writeSettings(transport, index, retries, { refresh_interval: '-1', number_of_replicas: '0' })
    return await work()
  } finally {
    await writeSettings(transport, index, retries, before)
    // Read again: others may have changed it meanwhile, and it is replaced as a whole.
    const now = await wholeMeta(transport, index, retries)
    const { setAside: _, ...rest } = now[ROOT] as IndexMeta
    await writeMeta(transport, index, retries, { ...now, [ROOT]: rest })
  }
}

async function wholeMeta(transport: EngineTransport, index: string, retries: Required<RetryOptions>): Promise<Record<string, unknown>> {
  const { body } = await ask(transport, `mapping of ${index}`, { method: 'GET', path: `/${index}/_mapping` }, retries)
  const [about] = Object.values(isObject(body) ? body : {})
  const mappings = isObject(about) && isObject(about['mappings']) ? about['mappings'] : {}
  return readMeta(mappings) === undefined ? {} : (mappings['_meta'] as Record<string, unknown>)
}

async function writeMeta(
  transport: EngineTransport,
  index: string,
  retries: Required<RetryOptions>,
  meta: Record<string, unknown>,
): Promise<void> {
  await ask(transport, `mapping of ${index}`, { method: 'PUT', path: `/${index}/_mapping`, body: { _meta: meta } }, retries)
}

async function readSettings(transport: EngineTransport, index: string, retries: Required<RetryOptions>): Promise<Settings> {
  const { body } = await ask(transport, `settings of ${index}`, { method: 'GET', path: `/${index}/_settings` }, retries)
  const [about] = Object.values(isObject(body) ? body : {})
  const settings = isObject(about) && isObject(about['settings']) ? about['settings']['index'] : undefined
  const text = (name: string): string | null => {
    const value = isObject(settings) ? settings[name] : undefined
    return typeof value === 'string' ? value : null
  }
  return { refresh_interval: text('refresh_interval'), number_of_replicas: text('number_of_replicas') }
}

/** null puts back the server's own default. */
async function writeSettings(
  transport: EngineTransport,
  index: string,
  retries: Required<RetryOptions>,
  settings: Settings,
): Promise<void> {
  await ask(transport, `settings of ${index}`, { method: 'PUT', path: `/${index}/_settings`, body: { index: settings } }, retries)
}
