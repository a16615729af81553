import { createRequire } from 'node:module'
import type * as Binding from '#binding'

/** The native add-on itself, the same one that the package has loaded: for what users can't see and tests must. */
export const binding = createRequire(import.meta.url)('#binding') as typeof Binding
