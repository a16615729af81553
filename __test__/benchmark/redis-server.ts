import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

export interface StandIn {
  url: string
  /** Commands as they came, without names that the client sends about itself; vectors are left out. */
  commands: string[]
  keys(): string[]
  close(): void
}

/** As much of a Redis server with vector sets as the benchmark talks to; ranks by cosine, exactly. */
export async function standInForRedis(version: string): Promise<StandIn> {
  const sets = new Map<string, Map<string, Float32Array>>()
  const commands: string[] = []
  const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`
  const floats = (bytes: Buffer) => new Float32Array(Uint8Array.from(bytes).buffer)

  const answer = (parts: Buffer[]): string => {
    const [name = '', key = '', ...words] = parts.map((part) => part.toString('latin1'))
    if (name !== 'CLIENT') commands.push([name, key, ...words.filter((_, place) => words[place - 1] !== 'FP32')].join(' '))
    switch (name) {
      case 'INFO': return bulk(key === 'server' ? `redis_version:${version}\r\n` : `used_memory:${1000 + 100 * (sets.get('nearhash-benchmark:Q8')?.size ?? 0)}\r\n`)
      case 'DEL': return `:${Number(sets.delete(key))}\r\n`
      case 'VADD': {
        if (!sets.has(key)) sets.set(key, new Map())
        sets.get(key)!.set(words[2]!, floats(parts[3]!))
        return ':1\r\n'
      }
      case 'VSIM': {
        const query = floats(parts[3]!)
        const product = (row: Float32Array) => row.reduce((sum, value, column) => sum + value * query[column]!, 0)
        const names = [...sets.get(key)!].sort(([, a], [, b]) => product(b) - product(a)).slice(0, Number(words[words.indexOf('COUNT') + 1]))
        return `*${names.length}\r\n${names.map(([row]) => bulk(row)).join('')}`
      }
      default: return '+OK\r\n'
    }
  }

  const server = createServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      for (let request = takeRequest(received); request; request = takeRequest(received)) {
        received = received.subarray(request.length)
        socket.write(answer(request.parts))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    commands,
    keys: () => [...sets.keys()],
    close: () => server.close(),
  }
}

/** The first request in these bytes, if all of it is there. */
function takeRequest(bytes: Buffer): { parts: Buffer[]; length: number } | undefined {
  let at = 0
  const number = (mark: string): number | undefined => {
    const end = bytes.indexOf('\r\n', at)
    if (end === -1 || bytes.toString('latin1', at, at + 1) !== mark) return undefined
    const value = Number(bytes.toString('latin1', at + 1, end))
    at = end + 2
    return value
  }
  const count = number('*')
  if (count === undefined) return undefined
  const parts: Buffer[] = []
  while (parts.length < count) {
    const length = number('$')
    if (length === undefined || bytes.length < at + length + 2) return undefined
    parts.push(bytes.subarray(at, at + length))
    at += length + 2
  }
  return { parts, length: at }
}
