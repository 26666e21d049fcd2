import { writeAtomic } from '../base/files.js'
import * as layout from '../experiment/layout.js'
import type { AgentEffect } from './agent-state.js'
import type { RankLog } from './rank-log.js'

/** error.json: why the last attempt of a RUN failed, with the last lines that it printed. Never throws. */
export async function recordError(
  exp: string,
  { run, attempt, fate, message }: AgentEffect & { do: 'record' },
  tail: readonly string[],
  log: RankLog,
): Promise<void> {
  const text = JSON.stringify({ run, attempt, fate, message, log: tail }, null, 2)
  log.line(`${run} attempt ${attempt}: ${fate}: ${message}`)
  await writeAtomic(layout.error(exp, run), `${text}\n`).catch((error: unknown) => {
    log.line(`error.json of ${run} cannot be written: ${String(error)}`)
  })
}
