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

interface Frame {
  readonly to: string
  /** Bodies; '' once it has left. */
  text: string
  readonly since: number
  isUrgent: boolean
}

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
  const pending = new Map<string, Frame>()
  let urgent: Frame[] = []
  let later: NodeJS.Timeout | undefined

  const pass = ({ to, text }: Frame) => send(to, `${head}[${text}]}`)
  const leave = (frame: Frame) => {
    if (frame.text === '') return
    pending.delete(frame.to)
    pass(frame)
    frame.text = ''
  }
  const hurry = () => {
    const frames = urgent
    urgent = []
    frames.forEach(leave)
  }
  /** What came lately stays: it may yet find company. */
  const sweep = () => {
    later = undefined
    const now = performance.now()
    for (const frame of pending.values()) {
      if (now - frame.since < lazyMs / 2) {
        later = setTimeout(sweep, frame.since + lazyMs - now)
        return
      }
      leave(frame)
    }
  }
  return {
    post: (to, body, lazy = false) => {
      let frame = pending.get(to)
      if (!frame) {
        frame = { to, text: body, since: performance.now(), isUrgent: false }
        pending.set(to, frame)
      } else if (frame.text.length + body.length <= FRAME) frame.text += `,${body}`
      else {
        pass(frame)
        frame.text = body
      }
      if (lazy) later ??= setTimeout(sweep, lazyMs)
      else if (!frame.isUrgent) {
        frame.isUrgent = true
        if (urgent.push(frame) === 1) setImmediate(hurry)
      }
    },
    flush: () => {
      if (later) clearTimeout(later)
      later = undefined
      for (const frame of pending.values()) leave(frame)
    },
  }
}
