import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { LeaderEvent } from './leader-events.js'
import { holdLifeline } from './lifeline.js'

/** Our own launcher, where there is one: it tells of exits, and shows what we tell it. */
export interface Launcher {
  readonly isThere: boolean
  say(event: LeaderEvent): void
}

export function connectLauncher(
  isThere: boolean,
  onMessage: (message: LauncherMessage) => void,
): Launcher {
  if (!isThere) return { isThere, say: () => undefined }
  holdLifeline(
    () => undefined,
    line => onMessage(JSON.parse(line) as LauncherMessage),
  )
  const stream = createWriteStream('', { fd: 4 })
  stream.on('error', () => undefined)
  return { isThere, say: event => stream.write(`${JSON.stringify(event)}\n`) }
}

/** Launcher → leader, one JSON line each. */
export type LauncherMessage =
  | {
      readonly type: 'exit'
      readonly rank: number
      readonly pid: number | undefined
      readonly how: string
    }
  | { readonly type: 'no-workers' }
  | { readonly type: 'stop'; readonly reason: string }

const LOOK_MS = 1000

/**
 * Other launchers cannot be relied on to pass a signal on: who started them writes a file that says why to stop.
 * A file system that stands still delays that and nothing else.
 */
export function watchStopFile(path: string, onStop: (reason: string) => void): NodeJS.Timeout {
  let reading = false
  const timer = setInterval(() => {
    if (reading) return
    reading = true
    readFile(path, 'utf8')
      .then(
        text => {
          clearInterval(timer)
          onStop(text.trim() || 'told to stop')
        },
        () => undefined,
      )
      .finally(() => {
        reading = false
      })
  }, LOOK_MS)
  return timer
}
