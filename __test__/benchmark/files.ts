import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A folder that goes away after the tests of a file. To be called outside of them. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nearhash-benchmark-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Writes a file into a folder and gives its path back. */
export async function write(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

/** The bytes of a .npy file of version 1.0, header as numpy writes it. */
export function npyBytes(description: string, shape: readonly number[], data: Uint8Array, fortranOrder = false): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const dictionary = `{'descr': '${description}', 'fortran_order': ${fortranOrder ? 'True' : 'False'}, 'shape': (${tuple}), }`
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10
  const header = new Uint8Array(10 + length).fill(0x20)
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 0xff, length >> 8])
  header.set(new TextEncoder().encode(dictionary), 10)
  header[header.length - 1] = 0x0a
  return Buffer.concat([header, data])
}

/** The memory of a typed array as bytes. */
export function bytes(array: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}
