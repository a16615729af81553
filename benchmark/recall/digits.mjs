/** @typedef {import('./random.mjs').Random} Random */
/** @typedef {[x: number, y: number]} Point */

/** The strokes of 0 to 9 as a hand draws them, in a box from 0 to 1, y downwards. */
const STROKES = /** @type {readonly (readonly Point[][])[]} */ ([
  [[[0.5, 0], [0.1, 0.15], [0.08, 0.7], [0.4, 1.05], [0.85, 0.85], [0.95, 0.3], [0.7, 0], [0.45, 0.02]]],
  [[[0.3, 0.2], [0.55, 0], [0.55, 0.5], [0.52, 1]]],
  [[[0.12, 0.28], [0.3, 0], [0.75, -0.02], [0.9, 0.3], [0.6, 0.6], [0.1, 1], [0.5, 0.95], [0.92, 0.98]]],
  [[[0.15, 0.1], [0.55, -0.05], [0.95, 0.15], [0.75, 0.45], [0.4, 0.47], [0.85, 0.55], [0.95, 0.9], [0.5, 1.07], [0.1, 0.9]]],
  [[[0.35, 0], [0.15, 0.55], [0.55, 0.6], [0.95, 0.55]], [[0.75, 0.1], [0.68, 0.5], [0.65, 1]]],
  [[[0.85, 0.02], [0.3, 0.02], [0.2, 0.5], [0.6, 0.33], [0.98, 0.6], [0.8, 1], [0.4, 1.05], [0.1, 0.88]]],
  [[[0.75, 0], [0.3, 0.25], [0.08, 0.7], [0.3, 1.05], [0.8, 1], [0.92, 0.65], [0.55, 0.45], [0.2, 0.75]]],
  [[[0.1, 0.08], [0.5, 0.05], [0.95, 0], [0.6, 0.5], [0.4, 1]]],
  [[[0.7, 0.1], [0.3, -0.05], [0.15, 0.3], [0.5, 0.5], [0.95, 0.75], [0.55, 1.08], [0.1, 0.8], [0.5, 0.5], [0.9, 0.25], [0.7, 0.05]]],
  [[[0.85, 0.15], [0.45, -0.05], [0.1, 0.25], [0.4, 0.55], [0.85, 0.3], [0.88, 0.1], [0.8, 0.6], [0.7, 1]]],
])

/**
 * Draws a digit in the manner of MNIST: light strokes of uneven pen, slant and shape in the middle 20/28 of a
 * black image. A stand-in for scanned handwriting, which would have to be brought along.
 *
 * @param {Float32Array} pixels side x side, row-major; every one is set, 0 to 255
 * @param {number} side of the image
 * @param {Random} random
 */
export function drawDigit(pixels, side, random) {
  const box = side * 20 / 28
  const [slant, turn] = [0.25 * random.normal(), 0.12 * random.normal()]
  const [width, height] = [box * random.between(0.55, 0.9), box * random.between(0.85, 1)]
  const [shiftX, shiftY] = [side / 28 * random.normal(), side / 28 * random.normal()]
  const pen = side / 28 * random.between(0.7, 1.7)
  const ink = random.between(215, 255)
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  /** @param {Point} point @returns {Point} in pixels */
  const place = ([x, y]) => {
    const [down, right] = [(y - 0.5) * height, (x - 0.5) * width - slant * (y - 0.5) * height]
    return [side / 2 + cos * right - sin * down + shiftX, side / 2 + sin * right + cos * down + shiftY]
  }
  const lines = STROKES[random.integer(STROKES.length)].map((stroke) => {
    const shaken = stroke.map(([x, y]) => /** @type {Point} */ ([x + 0.05 * random.normal(), y + 0.05 * random.normal()]))
    return roundOff(roundOff(shaken)).map(place)
  })
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const distance = Math.min(...lines.map((line) => distanceTo(line, x + 0.5, y + 0.5)))
      pixels[y * side + x] = Math.round(ink * Math.min(1, Math.max(0, pen + 0.5 - distance)))
    }
  }
}

/** @param {readonly Point[]} line @returns {Point[]} with its corners cut, its ends kept (Chaikin) */
function roundOff(line) {
  const cut = line.slice(1).flatMap((to, place) => {
    const from = line[place]
    /** @param {number} share @returns {Point} */
    const between = (share) => [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]
    return [between(0.25), between(0.75)]
  })
  return [line[0], ...cut.slice(1, -1), line[line.length - 1]]
}

/** @param {readonly Point[]} line @param {number} x @param {number} y */
function distanceTo(line, x, y) {
  let least = Infinity
  for (let place = 1; place < line.length; place++) {
    const [[fromX, fromY], [toX, toY]] = [line[place - 1], line[place]]
    const [alongX, alongY] = [toX - fromX, toY - fromY]
    const squared = alongX ** 2 + alongY ** 2
    const share = squared === 0 ? 0 : Math.min(1, Math.max(0, ((x - fromX) * alongX + (y - fromY) * alongY) / squared))
    least = Math.min(least, (x - fromX - share * alongX) ** 2 + (y - fromY - share * alongY) ** 2)
  }
  return Math.sqrt(least)
}
