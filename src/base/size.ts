const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/** `512 B`, `540.00 KB`; 1 KB is 1024 B, as upstream's tools have it. */
export function sizeText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(2)} ${UNITS[power]!}`
}
