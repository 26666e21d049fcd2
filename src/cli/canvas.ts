/** Lines at the end of a terminal that are drawn over again and again. */
export interface Canvas {
  /** In place of the lines drawn last. */
  draw(lines: readonly string[]): void
  /** Above what is drawn, to stay. */
  print(text: string): void
}

/** All of the visible screen goes, and the cursor to its top. */
const CLEAR = '\x1b[2J\x1b[H'

/**
 * A terminal that was made narrower has wrapped what was drawn, another kind has cut it: where the old lines are now nobody
 * can tell. So after a change of its size the screen is cleared.
 */
export function openCanvas(out: NodeJS.WriteStream): Canvas {
  let drawn = 0
  let size = ''
  const clear = () => {
    const before = size
    size = `${out.columns} ${out.rows}`
    return drawn > 0 && size !== before ? CLEAR : erase(drawn)
  }
  let last: readonly string[] = []
  const draw = (lines: readonly string[], above = '') => {
    out.write(`${clear()}${above}${lines.map(line => `${line}\n`).join('')}`)
    drawn = lines.length
    last = lines
  }
  return { draw: lines => draw(lines), print: text => draw(last, `${text}\n`) }
}

/** Up `lines` lines and clear to the end of the screen. */
function erase(lines: number): string {
  return lines === 0 ? '' : `\x1b[${lines}A\r\x1b[J`
}
