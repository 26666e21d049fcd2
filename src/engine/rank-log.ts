import { createWriteStream } from 'node:fs'
import { stamp } from '../base/log.js'

/** The log of one rank: time-stamped lines into `out/out-NNN.txt`, through a stream that never blocks. */
export interface RankLog {
  line(text: string): void
  close(): Promise<void>
}

/** Lines wait this long for others, in ms: one write for all. */
const GATHER_MS = 20
/** After a fault of the disk the file is opened again; what is said in between is lost. */
const AGAIN_MS = 1000

export function openRankLog(path: string): RankLog {
  let closed = false
  let stream = begin()
  function begin() {
    // a full or frozen disk must not take the rank down: the sweep matters more than its log
    return createWriteStream(path, { flags: 'a' }).on('error', () => {
      if (!closed) setTimeout(() => (stream = begin()), AGAIN_MS).unref()
    })
  }
  let gathered = ''
  const write = () => {
    if (gathered !== '') stream.write(gathered)
    gathered = ''
  }
  return {
    line: text => {
      if (gathered === '') setTimeout(write, GATHER_MS).unref()
      gathered += `${stamp()} ${text}\n`
    },
    close: () => {
      closed = true
      write()
      return new Promise<void>(resolve => stream.end(() => resolve()))
    },
  }
}
