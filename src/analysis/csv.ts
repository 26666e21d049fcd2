/** Fields of one line, quoted as RFC 4180 says. */
export function parseCsvLine(line: string): string[] {
  if (!line.includes('"')) return line.replace(/\r$/, '').split(',')
  const fields: string[] = []
  const pattern = /(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g
  for (const match of line.replace(/\r$/, '').matchAll(pattern))
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'))
  return fields
}

/** One line without its end: null is empty, text is quoted where it must be. */
export function csvLine(fields: readonly (string | number | boolean | null)[]): string {
  return fields
    .map(field => {
      const text = field === null ? '' : String(field)
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
    })
    .join(',')
}
