// Headers of shared libraries, as small as they can be: what a loader reads first, nothing behind it.

const MACHINES = {
  linux: { x64: 0x3e, arm64: 0xb7 },
  darwin: { x64: 0x0100_0007, arm64: 0x0100_000c },
  win32: { x64: 0x8664, arm64: 0xaa64 },
}

export type System = keyof typeof MACHINES
export type Machine = 'x64' | 'arm64'

/** A library for a system; on Linux with the glibc it needs, if any. */
export function library(os: System, cpu: Machine, glibc?: string): Buffer {
  const machine = MACHINES[os][cpu]
  if (os === 'linux') return elf(machine, glibc)
  const bytes = Buffer.alloc(0x100)
  if (os === 'darwin') {
    bytes.writeUInt32LE(0xfeedfacf, 0)
    bytes.writeUInt32LE(machine, 4)
  } else {
    bytes.write('MZ', 0, 'latin1')
    bytes.writeUInt32LE(0x80, 0x3c)
    bytes.write('PE\0\0', 0x80, 'latin1')
    bytes.writeUInt16LE(machine, 0x84)
  }
  return bytes
}

/** One table of needed versions (SHT_GNU_verneed) for one library, and the strings that it names. */
function elf(machine: number, glibc: string | undefined): Buffer {
  const [sections, needs, strings] = [0x40, 0x140, 0x180]
  const names = ['libc.so.6', ...(glibc === undefined ? [] : ['GLIBC_2.2.5', `GLIBC_${glibc}`])]
  const bytes = Buffer.alloc(0x200)
  bytes.write('\x7fELF', 0, 'latin1')
  bytes.set([2, 1, 1], 4) // 64 bits, little endian, version 1
  bytes.writeUInt16LE(3, 0x10) // a shared object
  bytes.writeUInt16LE(machine, 0x12)
  bytes.writeBigUInt64LE(BigInt(sections), 0x28)
  bytes.writeUInt16LE(0x40, 0x3a)
  bytes.writeUInt16LE(glibc === undefined ? 2 : 3, 0x3c)
  const section = (index: number, type: number, offset: number, link: number, info: number) => {
    const at = sections + index * 0x40
    bytes.writeUInt32LE(type, at + 4)
    bytes.writeBigUInt64LE(BigInt(offset), at + 0x18)
    bytes.writeUInt32LE(link, at + 0x28)
    bytes.writeUInt32LE(info, at + 0x2c)
  }
  section(1, 3, strings, 0, 0)
  if (glibc !== undefined) section(2, 0x6ffffffe, needs, 1, 1)
  let end = strings
  const places = names.map((name) => {
    const place = end - strings
    end += bytes.write(`${name}\0`, end, 'latin1')
    return place
  })
  // Elf64_Verneed: version, count, file, first entry, next; then Elf64_Vernaux: hash, flags, other, name, next.
  const count = names.length - 1
  bytes.writeUInt16LE(1, needs)
  bytes.writeUInt16LE(count, needs + 2)
  bytes.writeUInt32LE(places[0] ?? 0, needs + 4)
  bytes.writeUInt32LE(16, needs + 8)
  for (let i = 0; i < count; i++) {
    const at = needs + 16 + i * 16
    bytes.writeUInt32LE(places[i + 1] ?? 0, at + 8)
    bytes.writeUInt32LE(i + 1 < count ? 16 : 0, at + 12)
  }
  return bytes
}
