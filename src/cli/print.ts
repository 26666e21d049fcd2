import stringWidth from 'string-width'

/** Write lines to stdout at once; a closed pipe is no error. */
export function print(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

/** Lines in one write: few calls, little memory. */
const TOGETHER = 1000

/** Many lines, as they come. Waits for a slow reader, and stops when there is none any more (`| head`). */
export async function printMany<T>(items: Iterable<T>, line: (item: T) => string): Promise<void> {
  const out = process.stdout
  let lines: string[] = []
  // the callback comes when it is written, and also when it cannot be
  const flush = () =>
    new Promise<void>(resolve => {
      out.write(lines.map(text => `${text}\n`).join(''), () => resolve())
      lines = []
    })
  for (const item of items) {
    if (lines.push(line(item)) < TOGETHER) continue
    await flush()
    if (hasLeft(out)) return
  }
  await flush()
}

/** The reader has gone away. */
export function hasLeft(out: NodeJS.WriteStream): boolean {
  return out.errored !== null || out.destroyed
}

/** For `--json`. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Columns as wide as their widest cell on a terminal; the last one is left as it is. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const sizes = rows.map(row => row.map(cell => stringWidth(cell)))
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...sizes.map(r => r[c] ?? 0)))
  return rows.map((row, r) =>
    row
      .map((cell, c) => (c === row.length - 1 ? cell : cell + blanks(widths[c]! - sizes[r]![c]!)))
      .join('  ')
      .trimEnd(),
  )
}

function blanks(count: number): string {
  return ' '.repeat(count)
}
