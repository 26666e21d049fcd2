import { createHistogram } from 'node:perf_hooks'

/** How late the event loop serves its timers, in ms: what keeps messages waiting. */
export interface Lag {
  p99(): number
  max(): number
  /** Forget what was. */
  reset(): void
  stop(): void
}

/** @param everyMs between two looks; each costs a wake-up (Node's own monitor counts its interval as lag) */
export function watchLag(everyMs: number): Lag {
  const late = createHistogram() // µs; it knows no 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    late.record(Math.max(1, Math.round((now - last - everyMs) * 1000)))
    last = now
  }, everyMs)
  timer.unref()
  const ms = (us: number) => (late.count > 0 ? us / 1000 : 0)
  return {
    p99: () => ms(late.percentile(99)),
    max: () => ms(late.max),
    reset: () => late.reset(),
    stop: () => clearInterval(timer),
  }
}
