/** `2026-01-31 12:34:56.789`, local time: the stamp of every log line. */
export function stamp(date = new Date()): string {
  return `${clock(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** `2026-01-31 12:34:56`, local time, for people. */
export function clock(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  )
}
