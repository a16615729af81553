/**
 * @typedef {object} Limits on one level
 * @property {string} level
 * @property {number} clock cycles a second
 * @property {number[]} arrays bytes that were read
 * @property {number[]} read bytes a second, for each
 * @property {number} floatProducts multiply-adds of float32 a cycle
 * @property {number} byteProducts multiply-adds of bytes a cycle
 */

/**
 * @typedef {object} Measured one kernel on one level
 * @property {string} kernel
 * @property {string} shape
 * @property {'L2' | 'memory'} place where its data lay
 * @property {string} level
 * @property {number} seconds a call
 * @property {number} bytes that a call reads
 * @property {number} products multiply-adds of a call; 0 where it is not made of them
 * @property {number} peakProducts a cycle, on this level
 */

const COLUMNS = ['kernel', 'on', 'data in', 'level', 'µs', 'GB/s', 'of reading', 'multiply-adds a cycle', 'of the most']
const PLACES = { L2: 1, memory: 3 }

/**
 * The table of the report.
 *
 * @param {{ limits: Limits[], measured: Measured[] }} found
 * @param {string} machine
 * @returns {{ machine: string, columns: string[], rows: string[][], notes: string[] }}
 */
export function kernelTable({ limits, measured }, machine) {
  // No level reads faster than the best one: the machine's limit is one.
  const read = limits[0].arrays.map((_, place) => Math.max(...limits.map((limit) => limit.read[place])))
  const rows = measured.map((row) => {
    const limit = /** @type {Limits} */ (limits.find(({ level }) => level === row.level))
    const speed = row.bytes / row.seconds
    const products = row.products / row.seconds / limit.clock
    return [
      row.kernel, row.shape, row.place, row.level, (row.seconds * 1e6).toPrecision(3), (speed / 1e9).toFixed(1), percent(speed / read[PLACES[row.place]]),
      ...(row.products > 0 ? [products.toPrecision(3), percent(products / row.peakProducts)] : ['–', '–']),
    ]
  })
  return {
    machine,
    columns: COLUMNS,
    rows,
    notes: [
      'One thread; medians of nine runs of at least 2 ms, of the time that the thread worked (on Linux). Bytes are those of rows, codes or planes that a call reads.',
      `Reading one after the other, GB/s: ${limits[0].arrays.map((bytes, place) => `${(read[place] / 1e9).toFixed(0)} from ${size(bytes)}`).join(', ')}.`,
      'Cycles are counted by a chain of additions that take one each; multiply-adds of the most are measured in loops that do nothing else: '
        + `${limits.map((limit) => `${limit.level} ${limit.floatProducts.toFixed(1)} of float32, ${limit.byteProducts.toFixed(0)} of bytes`).join('; ')}. The clock was at ${(limits[0].clock / 1e9).toFixed(2)} GHz.`,
      'An exact distance takes a subtraction beside each multiply-add: where both share their units, half of the most is all that there is. Bytes against a query in two parts count twice.',
      'Above 100 % of reading: what a call reads is read once and used from a nearer cache.',
    ],
  }
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(0)} %`
}

/** @param {number} bytes */
function size(bytes) {
  return bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`
}
