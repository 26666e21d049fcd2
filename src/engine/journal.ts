import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../base/errors.js'
import { naming, syncDirectory } from '../base/files.js'
import { encodeRecords, segments, type JournalRecord } from '../experiment/journal.js'
import { RETRY_MS } from './disk.js'

/** From one fdatasync to the next, in ms: what comes in between shares one. */
const GROUP_MS = 5

/** The leader's end of the journal (format and reading: experiment/journal.ts). */
export interface Journal {
  /**
   * Resolves when the record is durable; rejects when the disk has failed for good. Records that share a
   * sync share the promise.
   */
  append(record: JournalRecord): Promise<void>
  /** Resolves when all that was appended before is durable; rejects as `append`. */
  settled(): Promise<void>
  close(): Promise<void>
}

/**
 * Start a new segment after those in `directory`, which is made if it is not there.
 * @param onFault told of each failure that is tried again
 */
export async function openJournal(
  directory: string,
  onFault: (text: string) => void = () => undefined,
): Promise<Journal> {
  await mkdir(directory, { recursive: true })
  let file = await newSegment(directory)
  let sequence = 0
  let waiting: Group | undefined
  /** Of groups that were given up: they come with the next one, so that no record is there without those before it. */
  let unwritten: Buffer = Buffer.alloc(0)
  let running: Promise<void> | undefined
  let last = -Infinity

  /** A disk that fails is asked again, each time in a new segment. */
  const write = async (bytes: Buffer) => {
    for (let fault = 0; ; fault++)
      try {
        if (fault > 0) {
          await file.close().catch(() => undefined)
          file = await newSegment(directory)
        }
        await file.appendFile(bytes)
        await file.datasync()
        return
      } catch (error) {
        const wait = RETRY_MS[fault]
        naming(directory, error)
        if (wait === undefined) throw error
        onFault(`the journal cannot be written: ${messageOf(error)}; trying again`)
        await sleep(wait)
      }
  }

  /** Group commit: all that is there is written with one write and one fdatasync. */
  const commit = async () => {
    while (waiting) {
      await sleep(Math.max(0, last + GROUP_MS - performance.now()))
      last = performance.now()
      const group = waiting
      waiting = undefined
      const first = sequence + 1
      sequence += group.payloads.length
      const bytes = Buffer.concat([unwritten, encodeRecords(first, group.payloads)])
      try {
        await write(bytes)
        unwritten = Buffer.alloc(0)
        group.resolve()
      } catch (error) {
        unwritten = bytes
        group.reject(error)
      }
    }
    running = undefined
  }

  const next = (): Group => {
    waiting ??= newGroup()
    running ??= commit()
    return waiting
  }

  return {
    append: record => {
      const { payloads, durable } = next()
      payloads.push(JSON.stringify(record))
      return durable
    },
    settled: () => (running || unwritten.length > 0 ? next().durable : Promise.resolve()),
    close: async () => {
      await running
      await file.close()
    },
  }
}

/** What one sync makes durable. */
interface Group {
  /** JSON texts: a thousand of them cost the garbage collector less than records or buffers. */
  readonly payloads: string[]
  readonly durable: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

function newGroup(): Group {
  let resolve: () => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const durable = new Promise<void>((res, rej) => {
    resolve = res
    reject = rej
  })
  return { payloads: [], durable, resolve, reject }
}

async function newSegment(directory: string): Promise<FileHandle> {
  const last = segments(directory).at(-1)
  const number = last === undefined ? 1 : Number.parseInt(last, 10) + 1
  const file = await open(join(directory, `${String(number).padStart(6, '0')}.log`), 'ax')
  await syncDirectory(directory)
  return file
}
