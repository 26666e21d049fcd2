/**
 * What is said to one peer at one moment leaves as one frame: a frame costs more than what is in it.
 * Some of it is in no hurry and waits for something else to the same peer: acks, and answers of a slot
 * that has more to do.
 */
export interface Outbox {
  /** @param to routing id; '' where there is one peer only @param body JSON text */
  post(to: string, body: string, lazy?: boolean): void
  /** Everything now, also what is in no hurry. */
  flush(): void
}

/** Characters of a frame, if it holds more than one body: far below what a peer drops. */
const FRAME = 1024 * 1024

/**
 * @param head what each frame begins with (protocol.ts)
 * @param lazyMs how long what is in no hurry waits at most; less than a beat, or an answer is said again
 */
export function newOutbox(
  head: string,
  lazyMs: number,
  send: (to: string, frame: string) => void,
): Outbox {
  /** Oldest first. */
  const pending = new Map<string, { text: string; readonly since: number }>()
  const urgent = new Set<string>()
  let soon: NodeJS.Immediate | undefined
  let later: NodeJS.Timeout | undefined

  const leave = (to: string) => {
    const frame = pending.get(to)
    if (!frame) return
    pending.delete(to)
    send(to, `${head}[${frame.text}]}`)
  }
  /** What came lately stays: it may yet find company. */
  const sweep = () => {
    later = undefined
    const now = performance.now()
    for (const [to, { since }] of pending) {
      if (now - since < lazyMs / 2) {
        later = setTimeout(sweep, since + lazyMs - now)
        return
      }
      leave(to)
    }
  }
  const flush = () => {
    if (later) clearTimeout(later)
    later = undefined
    urgent.clear()
    for (const to of [...pending.keys()]) leave(to)
  }
  return {
    post: (to, body, lazy = false) => {
      const frame = pending.get(to)
      if (!frame) pending.set(to, { text: body, since: performance.now() })
      else if (frame.text.length + body.length <= FRAME) frame.text += `,${body}`
      else {
        send(to, `${head}[${frame.text}]}`)
        frame.text = body
      }
      if (lazy) {
        later ??= setTimeout(sweep, lazyMs)
        return
      }
      urgent.add(to)
      soon ??= setImmediate(() => {
        soon = undefined
        for (const peer of urgent) leave(peer)
        urgent.clear()
      })
    },
    flush,
  }
}
