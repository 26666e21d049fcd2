import { createWriteStream } from 'node:fs'
import type { LeaderEvent } from './leader-events.js'
import type { LauncherMessage } from './leader-process.js'
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
