import { argumentError, show } from '../errors.js'
import { present } from '../options.js'
import { isObject, SearchEngineError } from './engine-error.js'
import { readMeta, type IndexMeta } from './mapping.js'
import { ask, type RetryOptions } from './retries.js'
import type { EngineRequest, EngineTransport } from './transport.js'

/** One physical index behind a name. */
export interface IndexVersion {
  /** Its own name: `<name>-<eight digits of the models' hash>-<running number>`. */
  index: string
  /** Whether the name stands for it now. */
  current: boolean
  /** Its running number. */
  number: number
  meta: IndexMeta
}

/** @internal A name that servers take for an index, and that means nothing else in a path. */
export function checkIndexName(argument: string, name: unknown): string {
  const allowed = 'up to 200 of a-z, 0-9, "-", "_" and ".", the first one a letter or digit'
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9._-]{0,199}$/.test(name)) throw argumentError(argument, show(name), allowed)
  return name
}

/** @internal The versions of one name: what they are, which is current, and swapping them. */
export class Versions {
  readonly #transport: EngineTransport
  readonly #name: string
  readonly #retries: Required<RetryOptions>

  constructor(transport: EngineTransport, name: string, retries: Required<RetryOptions>) {
    this.#transport = transport
    this.#name = name
    this.#retries = retries
  }

  /** All versions, oldest first. Indices without nearhash's own part are passed over. */
  async list(signal?: AbortSignal): Promise<IndexVersion[]> {
    const { body } = await this.#ask('list versions', {
      method: 'GET',
      path: `/${this.#name}-*`,
      query: { filter_path: 'error,status,*.aliases,*.mappings._meta', allow_no_indices: true, expand_wildcards: 'open,closed' },
      ...present({ signal }),
    })
    const versions: IndexVersion[] = []
    for (const [index, about] of Object.entries(isObject(body) ? body : {})) {
      const number = this.#numberOf(index)
      const { aliases, mappings } = isObject(about) ? about : {}
      const meta = readMeta(mappings)
      if (number === undefined || meta === undefined) continue
      versions.push({ index, number, meta, current: isObject(aliases) && this.#name in aliases })
    }
    return versions.sort((a, b) => a.number - b.number)
  }

  /** The name of the next version of models with this hash. */
  async next(hash: string): Promise<string> {
    const last = (await this.list()).at(-1)?.number ?? 0
    return `${this.#name}-${hash}-${String(last + 1).padStart(6, '0')}`
  }

  /** The physical index that the name stands for, which may be an index of that name itself. */
  async current(signal?: AbortSignal): Promise<string> {
    const { status, body } = await this.#ask(
      `alias ${this.#name}`,
      { method: 'GET', path: `/_alias/${this.#name}`, ...present({ signal }) },
      [404],
    )
    if (status === 404) return this.#name
    const indices = Object.keys(isObject(body) ? body : {})
    const [only] = indices
    if (indices.length !== 1 || only === undefined) {
      throw new SearchEngineError({
        code: 'ERR_NEARHASH_ENGINE_MAPPING',
        operation: `alias ${this.#name}`,
        received: `an alias of ${indices.length} indices`,
        allowed: 'an alias of one index',
      })
    }
    return only
  }

  /** Let the name stand for this version, in one step; nobody sees both or none. */
  async makeCurrent(index: string): Promise<void> {
    const versions = await this.list()
    this.#find(versions, index)
    const actions = versions
      .filter(({ current, index: other }) => current && other !== index)
      .map(({ index: other }) => ({ remove: { index: other, alias: this.#name, must_exist: true } }))
    await this.#ask('swap the alias', {
      method: 'POST',
      path: '/_aliases',
      body: { actions: [...actions, { add: { index, alias: this.#name } }] },
    })
  }

  /** Let the name stand for the version before the current one. */
  async rollBack(): Promise<string> {
    const versions = await this.list()
    const at = versions.findIndex(({ current }) => current)
    const before = at < 1 ? undefined : versions[at - 1]
    if (before === undefined) {
      throw new SearchEngineError({
        code: 'ERR_NEARHASH_ENGINE_INDEX_MISSING',
        operation: `roll ${this.#name} back`,
        received: at < 0 ? 'no current version' : `${versions[at]!.index}, the oldest version`,
        allowed: 'a version with an older one before it',
      })
    }
    await this.makeCurrent(before.index)
    return before.index
  }

  /** Delete a version that is not current, with its documents. */
  async remove(index: string): Promise<void> {
    if (this.#find(await this.list(), index).current) throw argumentError('index', `${show(index)}, the current version`, 'another version')
    await this.#ask(`delete ${index}`, { method: 'DELETE', path: `/${index}` })
  }

  #find(versions: readonly IndexVersion[], index: string): IndexVersion {
    const found = versions.find((version) => version.index === index)
    if (found !== undefined) return found
    throw new SearchEngineError({
      code: 'ERR_NEARHASH_ENGINE_INDEX_MISSING',
      operation: `versions of ${this.#name}`,
      received: `the name ${show(index)}`,
      allowed: versions.length === 0 ? 'none: there are no versions' : versions.map(({ index }) => index).join(' or '),
    })
  }

  #numberOf(index: string): number | undefined {
    if (!index.startsWith(`${this.#name}-`)) return undefined
    const number = /^[0-9a-f]{8}-(\d{6,})$/.exec(index.slice(this.#name.length + 1))?.[1]
    return number === undefined ? undefined : Number(number)
  }

  #ask(operation: string, request: EngineRequest, accepted?: readonly number[]): ReturnType<typeof ask> {
    return ask(this.#transport, operation, request, this.#retries, accepted)
  }
}
