import { bar } from './live.js'
import { openCanvas } from './canvas.js'

/** Nobody needs a bar for less; and how often it is drawn again. */
const [PATIENCE_MS, REDRAW_MS] = [2000, 200]

/** A bar on stderr, where that is a terminal and the work takes longer than two seconds. */
export interface Meter {
  /** @param share of the work that is done, 0 … 1 */
  readonly show: (share: number) => void
  /** Take the bar away. */
  readonly end: () => void
}

export function openMeter(out: NodeJS.WriteStream = process.stderr): Meter {
  if (!out.isTTY) return { show: () => undefined, end: () => undefined }
  const canvas = openCanvas(out)
  let next = performance.now() + PATIENCE_MS
  return {
    show: share => {
      const now = performance.now()
      if (now < next) return
      next = now + REDRAW_MS
      canvas.draw([`${bar(share, 40)} ${Math.floor(100 * share)} %`])
    },
    end: () => canvas.draw([]),
  }
}

/** Work that tells how much of it is done, with a bar while it goes on. */
export async function metered<T>(
  work: (onProgress: (done: number, all: number) => void) => Promise<T>,
): Promise<T> {
  const meter = openMeter()
  try {
    return await work((done, all) => meter.show(done / all))
  } finally {
    meter.end()
  }
}
