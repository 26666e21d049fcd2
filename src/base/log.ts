/** `2026-01-31 12:34:56.789`, local time: the stamp of every log line. */
export function stamp(date = new Date()): string {
  const two = (n: number, width = 2) => String(n).padStart(width, '0')
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`
  )
}
