import { setTimeout as sleep } from 'node:timers/promises'
import { HedError } from '../base/errors.js'
import { readIfThere, writeAtomicSync } from '../base/files.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { readLeaderSign } from '../experiment/live-status.js'
import { BATCH, type BatchSite } from '../sites/batch.js'
import { cancelJob, isQueued, jobState, type JobState } from '../sites/scheduler.js'
import { openNamed } from './open-named.js'

/**
 * Until no job of an EXP is in the queue.
 * @param every seconds between two looks
 * @returns how its sweep ended, as in status.json; 6 where it left no word
 */
export async function waitForJob(name: string, every: number): Promise<number> {
  if (!(every >= 1 && every <= 3600))
    throw new HedError('USAGE', `--every is ${every}, want seconds from 1 to 3600`)
  const { exp, site, ids } = jobsOf(openNamed(name))
  for (const id of ids) while (await isQueued(site, id)) await sleep(every * 1000)
  const text = readIfThere(layout.status(exp.path))
  if (text === undefined) {
    console.error(`upf-heds: job ${ids.at(-1)} is gone and its leader left no word`)
    console.error(`hint: upf-heds resume ${exp.path} goes on; ${exp.path}/out tells more`)
    return 6
  }
  const { exit, reason } = JSON.parse(text) as { readonly exit: number; readonly reason: string }
  console.log(`${exp.path} has ended: ${reason}`)
  return exit
}

/**
 * The last of a chain first: none may begin because one before it has ended. Without a scheduler the leader is told.
 * @throws HedError PROTOCOL
 */
export async function cancelJobsOf(name: string): Promise<void> {
  const found = openNamed(name)
  if (BATCH[found.site] === undefined && readLeaderSign(found.path)) {
    writeAtomicSync(layout.stopFile(found.path), 'upf-heds cancel\n')
    console.log(`${found.path}: its leader is told to stop; upf-heds resume ${found.path} goes on`)
    return
  }
  const { exp, site, ids } = jobsOf(found)
  const queued: string[] = []
  for (const id of ids) if (await isQueued(site, id)) queued.push(id)
  for (const id of queued.toReversed()) await cancelJob(site, id)
  console.log(
    queued.length === 0
      ? `${exp.path}: no job of it is in the queue`
      : `${queued.join(', ')} cancelled; upf-heds resume ${exp.path} goes on`,
  )
}

/**
 * The jobs of an EXP that its scheduler knows, for people: asked where no leader tells.
 * @returns none where there are none, or the scheduler cannot be asked from here
 */
export async function jobStatesOf(exp: Experiment): Promise<(JobState & { id: string })[]> {
  if (readIfThere(layout.jobId(exp.path)) === undefined) return []
  const found: (JobState & { id: string })[] = []
  try {
    const { site, ids } = jobsOf(exp)
    for (const id of ids) {
      const state = await jobState(site, id)
      if (state && state.state !== 'finished') found.push({ id, ...state })
    }
  } catch (error) {
    if (!(error instanceof HedError)) throw error
  }
  return found
}

/** A second job would find the lock held. @throws HedError USAGE naming one that is in the queue */
export async function requireNoJob(exp: Experiment): Promise<void> {
  if (readIfThere(layout.jobId(exp.path)) === undefined) return
  const { site, ids } = jobsOf(exp)
  for (const id of ids)
    if (await isQueued(site, id))
      throw new HedError('USAGE', `${exp.path}: job ${id} of it is in the queue`, {
        hint: `Wait for it, or upf-heds cancel ${exp.path} first.`,
      })
}

/** @throws HedError USAGE where no job was ever submitted */
function jobsOf(exp: Experiment): {
  readonly exp: Experiment
  readonly site: BatchSite
  readonly ids: readonly string[]
} {
  const ids = readIfThere(layout.jobId(exp.path))?.split('\n').filter(Boolean)
  const site = BATCH[exp.site]
  if (ids === undefined || site === undefined)
    throw new HedError('USAGE', `${exp.path}: no job of it was submitted`, {
      hint: 'An EXP of site local has none; one of a batch site gets it from upf-heds resume.',
    })
  return { exp, site, ids }
}
