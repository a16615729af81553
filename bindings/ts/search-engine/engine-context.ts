import { present } from '../options.js'
import { isObject } from './engine-error.js'
import { checkMapping, type IndexMeta, type Storage } from './mapping.js'
import type { Model } from './models.js'
import { ask, type RetryOptions } from './retries.js'
import type { EngineReply, EngineRequest, EngineTransport } from './transport.js'
import { Versions } from './versions.js'

/** @internal A physical index that was found to fit the models. */
export interface OpenIndex {
  index: string
  meta: IndexMeta
  /** Its whole mapping. */
  mappings: Record<string, unknown>
}

/** @internal What every part of an index works with. */
export class EngineContext {
  readonly transport: EngineTransport
  readonly name: string
  readonly models: ReadonlyMap<string, Model>
  readonly storage: Storage
  readonly retries: Required<RetryOptions>
  readonly maxClauses: number
  readonly versions: Versions
  #open: Promise<OpenIndex> | undefined

  constructor(parts: Pick<EngineContext, 'transport' | 'name' | 'models' | 'storage' | 'retries' | 'maxClauses'>) {
    this.transport = parts.transport
    this.name = parts.name
    this.models = parts.models
    this.storage = parts.storage
    this.retries = parts.retries
    this.maxClauses = parts.maxClauses
    this.versions = new Versions(this.transport, this.name, this.retries)
  }

  /** A request that may be repeated, in this index's manner. */
  ask(operation: string, request: EngineRequest, accepted?: readonly number[]): Promise<EngineReply> {
    return ask(this.transport, operation, request, this.retries, accepted)
  }

  /** The physical index behind the name, once it was found to fit; looked at again after {@link forget}. */
  open(signal?: AbortSignal): Promise<OpenIndex> {
    if (this.#open !== undefined) return this.#open
    const opening = this.versions.current(signal).then((index) => this.check(index, signal))
    this.#open = opening
    // What failed may succeed later.
    opening.catch(() => {
      if (this.#open === opening) this.#open = undefined
    })
    return opening
  }

  /** The name may stand for another index now. */
  forget(): void {
    this.#open = undefined
  }

  /** Refuse a physical index that does not fit the models. */
  async check(index: string, signal?: AbortSignal): Promise<OpenIndex> {
    const { body } = await this.ask(`mapping of ${index}`, {
      method: 'GET',
      path: `/${index}/_mapping`,
      ...present({ signal }),
    })
    const [found, about] = Object.entries(isObject(body) ? body : {})[0] ?? [index, undefined]
    const mappings = isObject(about) && isObject(about['mappings']) ? about['mappings'] : {}
    return { index: found, meta: checkMapping(found, mappings, this.models), mappings }
  }
}
