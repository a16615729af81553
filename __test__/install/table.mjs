/**
 * @typedef {object} Row
 * @property {string} area
 * @property {string} name what was tried
 * @property {'ok' | 'FAILED' | 'not tried'} result
 * @property {string} detail
 */

/** What is thrown inside an attempt that can't be made on this machine. */
export class NotTried extends Error {}

export class Table {
  /** @type {Row[]} */
  rows = []

  /**
   * Make an attempt; what it throws makes it fail.
   *
   * @param {string} area
   * @param {string} name
   * @param {() => Promise<string | void> | string | void} attempt returns what is worth knowing about it
   */
  async try(area, name, attempt) {
    /** @type {Row} */
    const row = { area, name, result: 'ok', detail: '' }
    try {
      row.detail = (await attempt()) ?? ''
    } catch (error) {
      row.result = error instanceof NotTried ? 'not tried' : 'FAILED'
      row.detail = error instanceof Error ? error.message : String(error)
    }
    this.rows.push(row)
    process.stderr.write(`  ${row.result.padEnd(11)}  ${area}: ${name}${row.detail && `: ${row.detail}`}\n`)
  }

  failed() {
    return this.rows.some(({ result }) => result === 'FAILED')
  }

  verdict() {
    const count = (/** @type {Row['result']} */ wanted) => this.rows.filter(({ result }) => result === wanted).length
    return `${count('ok')} of ${this.rows.length} went well, ${count('FAILED')} failed, ${count('not tried')} not tried`
  }

  /** As Markdown, ready for the README. */
  toString() {
    const cells = this.rows.map(({ area, name, result, detail }) => [area, name, result, firstLine(detail)])
    return [['area', 'what', 'result', 'detail'], ['---', '---', '---', '---'], ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n')
  }
}

/** @param {string} text */
function firstLine(text) {
  const [line = ''] = text.split('\n')
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}
