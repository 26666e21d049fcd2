import { AHEAD } from './executor-protocol.js'

/**
 * Whose lines are whose: an executor does RUN after RUN and prints to the same two streams. A mark is a line that
 * is not logged, `\u0001RUN ATTEMPT`; what follows it on its stream is that attempt's. Streams are read apart from
 * the messages on descriptor 4 and may be behind or ahead of them, so the marks travel with the lines.
 */

/** Begins a mark: nothing that people print. */
const MARK = '\u0001'

/** RUNs are marked within this many ms, if they print nothing before: a tiny one that prints nothing costs nothing. */
const SOON_MS = 5

export interface OutputMarks {
  /** @param now mark both streams at once: what native code prints passes no mark */
  begin(run: string, attempt: number, now: boolean): void
  end(): void
}

/** In an executor: have each stream tell of a new RUN before its first line. */
export function markOutput(streams: readonly NodeJS.WriteStream[]): OutputMarks {
  let name = ''
  let since = 0
  let timer: NodeJS.Timeout | undefined
  const marks = streams.map(stream => {
    const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean
    let told = ''
    const tell = () => {
      // what was printed before may have ended within a line; empty lines are not logged
      if (told !== name) write(`\n${MARK}${name}\n`)
      told = name
    }
    stream.write = (chunk: unknown, ...rest: unknown[]) => {
      tell()
      return write(chunk, ...rest)
    }
    return tell
  })
  const tellAll = () => {
    for (const tell of marks) tell()
  }
  /** One timer goes on for many RUNs: a timer for each would cost more than the rest of them. */
  const look = () => {
    timer = undefined
    if (name === '') return
    const left = since + SOON_MS - performance.now()
    if (left > 0) timer = setTimeout(look, left)
    else tellAll()
  }
  return {
    begin: (run, attempt, now) => {
      name = `${run} ${attempt}`
      since = performance.now()
      if (now) tellAll()
      else timer ??= setTimeout(look, SOON_MS)
    },
    end: () => {
      name = ''
    },
  }
}

/** Lines kept of an attempt. */
const TAIL = 40
/** Attempts kept of an executor: more than it ever has in hand. */
const KEPT = 2 * AHEAD

/** In an agent: the last lines of the attempts of one executor, for error.json. */
export interface RunTails {
  /** @param stream which of its two @returns false for a mark */
  add(stream: 'stdout' | 'stderr', line: string): boolean
  /** Newest last. Of an executor that marks nothing: all its last lines. */
  of(run: string, attempt: number): readonly string[]
}

export function newRunTails(): RunTails {
  const tails = new Map<string, string[]>()
  const owners = { stdout: '', stderr: '' }
  const tailOf = (owner: string): string[] => {
    const found = tails.get(owner) ?? []
    tails.set(owner, found)
    const [oldest] = tails.keys()
    if (tails.size > KEPT) tails.delete(oldest!)
    return found
  }
  return {
    add: (stream, line) => {
      if (line.startsWith(MARK)) {
        owners[stream] = line.slice(MARK.length)
        return false
      }
      const tail = tailOf(owners[stream])
      tail.push(line)
      if (tail.length > TAIL) tail.shift()
      return true
    },
    of: (run, attempt) => tails.get(`${run} ${attempt}`) ?? tails.get('') ?? [],
  }
}
