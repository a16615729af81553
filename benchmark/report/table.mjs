/**
 * @typedef {object} Column
 * @property {string} title
 * @property {'left' | 'right'} [align] right unless said
 */

/**
 * A table for a terminal: columns as wide as their widest cell, two blanks between them, an empty line
 * between groups of rows.
 *
 * @param {readonly Column[]} columns
 * @param {readonly (readonly (readonly string[])[])[]} groups of rows, a row one text a column
 * @returns {string} lines without trailing blanks, each ended by a newline
 */
export function textTable(columns, groups) {
  const rows = groups.flat()
  const widths = columns.map(({ title }, place) => Math.max(...[title, ...rows.map((row) => row[place])].map(width)))
  /** @param {readonly string[]} cells */
  const line = (cells) => cells.map((cell, place) => {
    const padding = ' '.repeat(widths[place] - width(cell))
    return columns[place].align === 'left' ? cell + padding : padding + cell
  }).join('  ').trimEnd()
  const rule = widths.map((size) => '─'.repeat(size)).join('──')
  const body = groups.map((group) => group.map((row) => `${line(row)}\n`).join('')).join('\n')
  return `${line(columns.map(({ title }) => title))}\n${rule}\n${body}`
}

/** @param {string} text @returns {number} characters as a person counts them */
function width(text) {
  return [...text].length
}
