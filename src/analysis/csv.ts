/** Fields of one line, quoted as RFC 4180 says. */
export function parseCsvLine(line: string): string[] {
  if (!line.includes('"')) return line.replace(/\r$/, '').split(',')
  const fields: string[] = []
  const pattern = /(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g
  for (const match of line.replace(/\r$/, '').matchAll(pattern))
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'))
  return fields
}
