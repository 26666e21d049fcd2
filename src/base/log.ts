/** `2026-01-31 12:34:56.789`, local time: the stamp of every log line. */
export function stamp(ms = Date.now()): string {
  const second = Math.floor(ms / 1000)
  if (second !== last.second) last = { second, text: clock(new Date(ms)) }
  return `${last.text}.${String(ms % 1000).padStart(3, '0')}`
}

/** Most lines fall into the second of the one before. */
let last = { second: NaN, text: '' }

/** `2026-01-31 12:34:56`, local time, for people. */
export function clock(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  )
}
