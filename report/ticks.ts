/**
 * Ticks of an axis that counts: 1.5 drugs or half an epoch there are not.
 * @param most ticks at most, at least 2
 * @returns multiples of 1, 2 or 5 times a power of ten in [first, last], and 1 where it is first and has room
 */
export function wholeTicks(first: number, last: number, most: number): number[] {
  const steps = [1, 2, 5].flatMap(n => Array.from({ length: 9 }, (_, e) => n * 10 ** e))
  const room = Math.max(1, Math.floor(most) - 1)
  const step = steps.sort((a, b) => a - b).find(s => (last - first) / s <= room) ?? last
  const from = Math.ceil(first / step) * step
  const found = Array.from(
    { length: Math.floor((last - from) / step) + 1 },
    (_, i) => from + i * step,
  )
  return first === 1 && step >= 5 ? [1, ...found] : found
}

/** From zero to the first whole tick that no count passes. */
export function countAxis(counts: readonly number[]) {
  const most = Math.max(1, ...counts)
  const ticks = wholeTicks(0, most, 6)
  const step = ticks[1]!
  const top = Math.ceil(most / step) * step
  return {
    domain: [0, top],
    ticks: top > ticks.at(-1)! ? [...ticks, top] : ticks,
    tickFormat: ',d',
  } as const
}
