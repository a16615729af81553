/**
 * One line that shows how far the work is, rewritten in place. Nothing is written when the stream isn't
 * a terminal, so logs and pipes stay clean.
 */
export class ProgressLine {
  #stream
  #started = Date.now()

  /** @param {NodeJS.WriteStream} [stream] */
  constructor(stream = process.stderr) {
    this.#stream = stream
  }

  /** @param {{ stage: string, done: number, total: number }} progress */
  show({ stage, done, total }) {
    if (!this.#stream.isTTY) return
    const width = 24
    const filled = Math.round((done / total) * width)
    const seconds = Math.round((Date.now() - this.#started) / 1000)
    const line = `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${total}  ${seconds} s  ${stage}`
    this.#stream.cursorTo(0)
    // A line longer than the terminal is wide would wrap, and the next one not cover it.
    this.#stream.write(line.slice(0, (this.#stream.columns || 80) - 1))
    this.#stream.clearLine(1)
  }

  /** Takes the line away, for text that stays. */
  clear() {
    if (!this.#stream.isTTY) return
    this.#stream.cursorTo(0)
    this.#stream.clearLine(0)
  }
}
