import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { countZeroRows, firstRows, readCollection } from '../../benchmark/datasets/collection.mjs'
import { bytes, npyBytes, temporaryFolder, write } from './files.js'

const folder = await temporaryFolder()

describe('.npy', () => {
  test.each([
    ['|i1', Int8Array.of(-1, 2, 3, 4, 5, 127), Int8Array],
    ['|u1', Uint8Array.of(1, 2, 3, 4, 5, 255), Uint8Array],
    ['<i2', Int16Array.of(-1, 2, 3, 4, 5, 32767), Int16Array],
    ['<u2', Uint16Array.of(1, 2, 3, 4, 5, 65535), Uint16Array],
    ['<i4', Int32Array.of(-1, 2, 3, 4, 5, 2147483647), Int32Array],
    ['<u4', Uint32Array.of(1, 2, 3, 4, 5, 4294967295), Uint32Array],
    ['<f4', Float32Array.of(-1.5, 2, 3, 4, 5, 0.25), Float32Array],
    ['<f8', Float64Array.of(-1.5, 2, 3, 4, 5, 0.1), Float64Array],
  ])('%s keeps its type', async (description, values, type) => {
    const path = await write(folder, `${description.slice(1)}.npy`, npyBytes(description, [2, 3], bytes(values)))
    const { data, shape, type: elements, header } = await readCollection(path)
    expect(data).toBeInstanceOf(type)
    expect([...data]).toEqual([...values])
    expect(shape).toEqual([2, 3])
    expect(elements).toBe(description.slice(1))
    expect(header).toBe(false)
  })

  test('64-bit integers become doubles', async () => {
    const path = await write(folder, 'i8.npy', npyBytes('<i8', [1, 2], bytes(BigInt64Array.of(-5n, 2n ** 53n - 1n))))
    expect([...(await readCollection(path)).data]).toEqual([-5, 2 ** 53 - 1])
    const large = await write(folder, 'large.npy', npyBytes('<i8', [1, 2], bytes(BigInt64Array.of(1n, 2n ** 53n))))
    await expect(readCollection(large)).rejects.toThrow(/large\.npy: holds 9007199254740992, a 64-bit integer too large/)
  })

  test('column-major order is turned into rows', async () => {
    const path = await write(folder, 'fortran.npy', npyBytes('<f4', [2, 3], bytes(Float32Array.of(1, 4, 2, 5, 3, 6)), true))
    const { data, shape } = await readCollection(path)
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6])
    expect(shape).toEqual([2, 3])
  })

  test('the bundled set is what its note says', async () => {
    const path = fileURLToPath(new URL('../../benchmark/data/photo-histograms-64-32000.npy', import.meta.url))
    const { data, shape, type } = await readCollection(path)
    expect(shape).toEqual([32000, 64])
    expect(type).toBe('u2')
    for (const row of [0, 31999]) {
      let sum = 0
      for (const count of data.subarray(row * 64, row * 64 + 64)) sum += count
      expect(sum).toBe(4096)
    }
  })

  const matrix = npyBytes('<f8', [2, 2], bytes(Float64Array.of(1, 2, 3, 4)))
  test.each<[string, Uint8Array, RegExp]>([
    ['no .npy', new TextEncoder().encode('hello, this is text'), /not an \.npy file/],
    ['an empty file', new Uint8Array(0), /can't be read as \.npy/],
    ['cut in the header', matrix.subarray(0, 40), /cut short or its header is damaged/],
    ['cut in a number', matrix.subarray(0, -3), /cut short or its header is damaged/],
    ['cut between numbers', matrix.subarray(0, -8), /its header says 2 x 2, but it holds 3 numbers/],
    ['too long', Buffer.concat([matrix, new Uint8Array(8)]), /its header says 2 x 2, but it holds 5 numbers/],
    ['big endian', npyBytes('>f8', [1, 1], new Uint8Array(8)), /unsupported dtype: >f8 \(readable are .*little endian\)/],
    ['complex', npyBytes('<c8', [1, 1], new Uint8Array(8)), /elements of type c8; readable are/],
    ['boolean', npyBytes('|b1', [1, 1], new Uint8Array(1)), /elements of type b1; readable are/],
    ['one dimension', npyBytes('<f4', [2], new Uint8Array(8)), /has 1 dimension \(2\); a matrix of rows x columns is needed/],
    ['three dimensions', npyBytes('<f4', [1, 1, 2], new Uint8Array(8)), /has 3 dimensions \(1 x 1 x 2\)/],
    ['no rows', npyBytes('<f4', [0, 3], new Uint8Array(0)), /holds no points/],
    ['NaN', npyBytes('<f4', [2, 2], bytes(Float32Array.of(1, 2, NaN, 4))), /row 2, column 1: NaN is not a finite number/],
    ['infinity', npyBytes('<f8', [1, 2], bytes(Float64Array.of(1, -Infinity))), /row 1, column 2: -Infinity is not a finite number/],
    ['beyond single precision', npyBytes('<f8', [1, 2], bytes(Float64Array.of(1, 1e39))), /row 1, column 2: 1e\+39 is too large for single precision/],
  ])('refuses %s', async (name, content, message) => {
    const path = await write(folder, `${name.replaceAll(/\W/g, '-')}.npy`, content)
    const failure = await readCollection(path).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'DataError', message: expect.stringMatching(message) })
    expect(failure).toMatchObject({ message: expect.stringContaining(path) })
  })
})

describe('.csv', () => {
  test.each<[string, string, number[], [number, number], boolean]>([
    ['without names', '1,2,3\n4,5,6\n', [1, 2, 3, 4, 5, 6], [2, 3], false],
    ['with names', 'a,b\n1,2\n', [1, 2], [1, 2], true],
    ['with names of which some are numbers', 'label,1,2\n9,8,7\n', [9, 8, 7], [1, 3], true],
    ['with quoted names that hold commas', '"a, b",c\n1,2\n', [1, 2], [1, 2], true],
    ['with a byte order mark and Windows line ends', '\uFEFF1,2\r\n3,4\r\n', [1, 2, 3, 4], [2, 2], false],
    ['with semicolons', '1;2\n3;4\n', [1, 2, 3, 4], [2, 2], false],
    ['with tabs', '1\t2\n3\t4\n', [1, 2, 3, 4], [2, 2], false],
    ['with blanks, empty lines and no last line end', ' 1 , 2\n\n3,4', [1, 2, 3, 4], [2, 2], false],
    ['with every way to write a number', '-1,+2,.5,3.,1e3,-2.5E-2\n', [-1, 2, 0.5, 3, 1000, -0.025], [1, 6], false],
    ['of one column', '1\n2\n3\n', [1, 2, 3], [3, 1], false],
  ])('%s', async (name, content, data, shape, header) => {
    const collection = await readCollection(await write(folder, `${name.replaceAll(/\W/g, '-')}.csv`, content))
    expect([...collection.data]).toEqual(data)
    expect(collection).toMatchObject({ shape, header, type: 'csv' })
  })

  test('more numbers than fit the first guess at their count', async () => {
    const rows = Array.from({ length: 3000 }, (_, row) => `${row},${row + 0.5}`)
    const { data, shape } = await readCollection(await write(folder, 'long.csv', `x,y\n${rows.join('\n')}\n`))
    expect(shape).toEqual([3000, 2])
    expect([data[0], data[1], data[5998], data[5999]]).toEqual([0, 0.5, 2999, 2999.5])
  })

  test.each<[string, string, RegExp]>([
    ['a short line', 'a,b,c\n1,2,3\n4,5\n', /line 3 has 2 fields, the first line has 3/],
    ['a long line', '1,2\n3,4,5\n', /line 2 has 3 fields, the first line has 2/],
    ['text', '1,2\n3,four\n', /line 2, column 2: "four" is not a finite number/],
    ['NaN in the first line', 'nan,2\n3,4\n', /line 1, column 1: "nan" is not a finite number/],
    ['an empty field', '1,2\n,4\n', /line 2, column 1: an empty field is not a finite number/],
    ['a number beyond double precision', '1,2\n3,1e999\n', /line 2, column 2: "1e999" is not a finite number/],
    ['a hexadecimal number', '1,2\n3,0x10\n', /line 2, column 2: "0x10" is not a finite number/],
    ['a decimal comma', '1;2\n3;0,5\n', /line 2, column 2: "0,5" is not a finite number/],
    ['an open quote', '1,2\n"3,4\n', /[Qq]uote/],
    ['an empty file', '', /holds no points/],
    ['nothing but names', 'a,b\n', /holds no points/],
  ])('refuses %s', async (name, content, message) => {
    const path = await write(folder, `refused-${name.replaceAll(/\W/g, '-')}.csv`, content)
    const failure = await readCollection(path).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'DataError', message: expect.stringMatching(message) })
    expect(failure).toMatchObject({ message: expect.stringContaining(path) })
  })

  test('stops reading when asked to', async () => {
    const path = await write(folder, 'stopped.csv', '1,2\n'.repeat(500_000))
    const cancellation = new AbortController()
    const reading = readCollection(path, { signal: cancellation.signal })
    cancellation.abort()
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  })
})

test('other files are refused by their name', async () => {
  await expect(readCollection('points.parquet')).rejects.toThrow('points.parquet: not a .npy or .csv file')
  await expect(readCollection('nothing-here.npy')).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(readCollection('nothing-here.csv')).rejects.toMatchObject({ code: 'ENOENT' })
})

test('first rows share memory, zero rows are counted', () => {
  const points = { data: Float32Array.of(0, 0, 1, 0, 0, -0), shape: [3, 2] as [number, number] }
  const first = firstRows(points, 2)
  expect(first.shape).toEqual([2, 2])
  expect(first.data.buffer).toBe(points.data.buffer)
  expect(countZeroRows(points)).toBe(2)
  expect(countZeroRows(first)).toBe(1)
})
