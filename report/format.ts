import type { Interval } from '../src/analysis/report/content.js'
import { duration } from '../src/base/duration.js'
export { duration }

/** Three significant digits, as a table of errors wants them; `–` where there is none. */
export function num(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  if (value === 0) return '0'
  const size = Math.floor(Math.log10(Math.abs(value)))
  const text =
    size < -4 ? value.toExponential(digits - 1) : value.toFixed(Math.max(0, digits - 1 - size))
  return text.replace('-', '−')
}

/** Fixed decimals, for columns. */
export function fixed(value: number | null | undefined, decimals = 4): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? '–'
    : value.toFixed(decimals).replace('-', '−')
}

export function interval({ mean, low, high }: Interval, form: (n: number) => string = num): string {
  return low === null || high === null ? form(mean) : `${form(mean)} [${form(low)}, ${form(high)}]`
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(share > 0.0995 ? 0 : 1)}\u00a0%` : '–'
}

/** Where an interval stands beside it. */
export function tenths(share: number): string {
  return `${(100 * share).toFixed(1)}\u00a0%`
}

/** `1 RUN`, `1,020 RUNs` */
export function plural(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`
}

export function count(n: number): string {
  return n.toLocaleString('en')
}

/** Seconds for people; short ones with more digits. */
export function seconds(s: number): string {
  return s < 10 ? `${num(s, 2)} s` : duration(s)
}

/** Time where the page is read. */
export function clock(time: string): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime())
    ? time
    : date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}

/** √ of mean and ends: from mean square error to its root. */
export function root({ mean, low, high }: Interval): Interval {
  const of = (value: number | null) => (value === null ? null : Math.sqrt(value))
  return { mean: Math.sqrt(mean), low: of(low), high: of(high) }
}
