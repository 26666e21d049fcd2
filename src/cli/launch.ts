import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere, writeAtomicSync } from '../base/files.js'
import { plural } from '../base/plural.js'
import { requireProgram } from '../engine/alert.js'
import { parseLeaderEvent, type LeaderEvent } from '../engine/leader-events.js'
import { requireLocalDescriptors } from '../engine/limits.js'
import { lastEpoch } from '../engine/lock.js'
import type { Experiment, Settings } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { validateMarker } from '../experiment/marker.js'
import type { PlannedRun } from '../experiment/plan.js'
import { childEnvironment } from '../sites/detect.js'
import { launchLocal } from '../sites/local.js'
import { ranksHere } from '../sites/tiles.js'
import { requireTmpRoot } from '../stage/node-local.js'
import { readStatus } from '../analysis/status-file.js'
import { launchOnHosts, requireLauncher } from './launch-hosts.js'
import { imageOf, programs } from './image.js'
import { openView } from './live.js'
import type { Signals } from './signals.js'
import { watch } from './watch.js'

export interface WorkflowModule {
  readonly url: string
  readonly name: string
  readonly stageVersion: number
}

/** What this machine must allow for such a sweep: asked before an EXP is made. @throws HedError USAGE */
export async function requireMachine(settings: Settings): Promise<void> {
  const { TMP_ROOT, ON_ALERT, LAUNCHER } = settings
  if (LAUNCHER !== '') {
    requireLauncher(settings)
    return
  }
  const ranks = ranksHere(settings)
  requireLocalDescriptors(ranks.length, Math.max(...ranks.map(r => r.slots)))
  if (ON_ALERT !== '') requireProgram(ON_ALERT)
  await requireTmpRoot(TMP_ROOT)
}

/** Run the ranks of an EXP on this machine and show how they go. @returns the exit status */
export async function launch(
  exp: Experiment,
  workflow: WorkflowModule,
  signals: Signals,
): Promise<number> {
  // how an earlier life ended, or was asked to
  for (const old of [layout.status(exp.path), layout.stopFile(exp.path)])
    rmSync(old, { force: true })
  if (exp.settings.LAUNCHER !== '') return launchThrough(exp, signals)
  const view = openView(exp.path)
  let end: (LeaderEvent & { type: 'end' }) | undefined
  let failed: string | undefined
  let isKilled = false
  // the one the leader will have, so that no agent follows the rendezvous of an earlier one
  const epoch = lastEpoch(layout.engine(exp.path)) + 1
  const { node, script } = programs(imageOf(exp.settings))
  // an image has workflows of its own
  const given = exp.settings.ENV && !/^[./]/.test(workflow.name) ? [] : ['--workflow', workflow.url]
  const here = new Map(ranksHere(exp.settings).map(own => [own.rank, own]))
  const ranks = launchLocal({
    program: node,
    agents: [...here.values()].filter(({ rank }) => rank > 0),
    command: rank => [
      ...[script, 'rank', '--exp', exp.path, '--rank', String(rank)],
      ...['--tile', String(here.get(rank)!.tile), '--slots', String(here.get(rank)!.slots)],
      ...['--epoch', String(epoch), '--lifeline'],
      ...given,
    ],
    environment: {
      ...childEnvironment(process.env),
      // threads that wait by spinning would take the cores of the other workers
      ...(tooManyThreads(exp) ? { UPF_HEDS_SPIN: '0' } : {}),
    },
    onEvent: line => {
      const event = parseLeaderEvent(line)
      if (event?.type === 'end') end = event
      if (event?.type === 'run' && event.state === 'failed') failed = event.run
      if (event) view.event(event)
    },
    onStderr: (rank, text) => view.note(rank === 0 ? text : `rank ${rank}: ${text}`),
  })
  signals.handle(
    signal => {
      view.note(stopping(signal))
      ranks.stop(signal)
    },
    () => {
      isKilled = true
      ranks.kill()
    },
  )
  const code = await ranks.ended
  // a rank that was killed and not started again has left its node-local folders
  rmSync(join(exp.settings.TMP_ROOT, exp.id), { recursive: true, force: true })
  view.end()
  // one that was stopped for a while may have missed the leader's last words
  return summary(exp, code, { end: end ?? endOf(exp), failed, isKilled })
}

function stopping(signal: string): string {
  const more = signal === 'SIGINT' ? 'Once more to kill.' : 'A SIGINT kills.'
  return `${signal}: stopping; what runs is saved. ${more}`
}

/** The same through a launcher, on other hosts. @returns the exit status */
async function launchThrough(exp: Experiment, signals: Signals): Promise<number> {
  const note = (text: string) => console.error(text)
  const ranks = launchOnHosts(exp, lastEpoch(layout.engine(exp.path)) + 1, note)
  let isKilled = false
  signals.handle(
    signal => {
      note(stopping(signal))
      ranks.stop(signal)
    },
    () => {
      isKilled = true
      ranks.kill()
    },
  )
  let isOver = false
  void ranks.ended.then(() => {
    isOver = true
  })
  await watch(exp, false, () => !isOver)
  const end = endOf(exp)
  return summary(exp, end?.exit, { end, failed: undefined, isKilled })
}

/** As status.json has it. */
function endOf({ path }: Experiment): (LeaderEvent & { type: 'end' }) | undefined {
  const status = readStatus(path)
  return status && { type: 'end', ...status, left: status.notStarted }
}

function summary(
  exp: Experiment,
  code: number | NodeJS.Signals | undefined,
  {
    end,
    failed,
    isKilled,
  }: {
    readonly end: (LeaderEvent & { type: 'end' }) | undefined
    /** A RUN that has failed. */
    readonly failed: string | undefined
    readonly isKilled: boolean
  },
): number {
  if (end) {
    const left = end.left > 0 ? `, ${end.left} not finished` : ''
    console.log(
      `${plural(end.finished, 'RUN')} finished, ${end.failed} failed${left}: ${end.reason}`,
    )
  }
  const isOrdinary = typeof code === 'number'
  if (isOrdinary && end === undefined) return code
  const status = isOrdinary ? code : 6
  if (!isOrdinary) {
    const how = code === undefined ? '' : ` of ${code}`
    console.error(`upf-heds: ${isKilled ? 'killed as asked' : `the leader died${how}`}`)
  }
  const why = failed === undefined ? '' : `upf-heds explain ${exp.path} ${failed} tells why; `
  if (status === 5) console.error(`hint: ${why}upf-heds resume ${exp.path} tries what failed again`)
  if (status === 6) console.error(`hint: ${why}upf-heds resume ${exp.path} goes on`)
  return status
}

/**
 * Is nothing left to do? Says so, and in status.json where that says otherwise: how and when the sweep ended
 * is not to be lost.
 */
export function finishedAlready(exp: Experiment, plan: readonly PlannedRun[]): boolean {
  const isFinished = ({ run, digest, params }: PlannedRun) => {
    const seed = params['seed'] ?? 0
    return validateMarker(exp.path, run, { params: digest, data: exp.data.digest, seed }).valid
  }
  if (!plan.every(isFinished)) return false
  if (!/^ {2}"exit": 0,/m.test(readIfThere(layout.status(exp.path)) ?? '')) {
    const now = new Date().toISOString()
    const status = {
      exit: 0,
      reason: 'all RUNs finished',
      finished: plan.length,
      failed: 0,
      notStarted: 0,
      started: now,
      ended: now,
      ranks: [],
    }
    writeAtomicSync(layout.status(exp.path), `${JSON.stringify(status, null, 2)}\n`)
  }
  console.log(`${exp.path}: nothing left to do, ${plural(plan.length, 'RUN')} finished`)
  return true
}

function tooManyThreads({ settings }: Experiment): boolean {
  return settings.THREADS > 1 && settings.PROCS > 2
}
