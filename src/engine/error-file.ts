import { writeAtomic } from '../base/files.js'
import * as layout from '../experiment/layout.js'
import type { AgentEffect } from './agent-state.js'
import type { RankLog } from './rank-log.js'

/** error.json: how the last attempt failed, and the end of the rank's log. A disk that refuses it is only logged. */
export async function writeError(
  exp: string,
  { run, attempt, fate, message }: AgentEffect & { do: 'record' },
  log: RankLog,
): Promise<void> {
  const text = JSON.stringify({ run, attempt, fate, message, log: log.tail() }, null, 2)
  log.line(`${run} attempt ${attempt}: ${fate}: ${message}`)
  await writeAtomic(layout.error(exp, run), `${text}\n`).catch((error: unknown) => {
    log.line(`error.json of ${run} cannot be written: ${String(error)}`)
  })
}
