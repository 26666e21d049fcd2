import { createWriteStream } from 'node:fs'
import { stamp } from '../base/log.js'

/** The log of one rank: time-stamped lines into `out/out-NNN.txt`, through a stream that never blocks. */
export interface RankLog {
  line(text: string): void
  /** The last lines, newest last, for error.json. */
  tail(): readonly string[]
  close(): Promise<void>
}

const TAIL = 40

export function openRankLog(path: string): RankLog {
  const stream = createWriteStream(path, { flags: 'a' })
  // a full or frozen disk must not take the rank down: the sweep matters more than its log
  stream.on('error', () => undefined)
  const last: string[] = []
  return {
    line: text => {
      stream.write(`${stamp()} ${text}\n`)
      last.push(text)
      if (last.length > TAIL) last.shift()
    },
    tail: () => last,
    close: () => new Promise<void>(resolve => stream.end(() => resolve())),
  }
}
