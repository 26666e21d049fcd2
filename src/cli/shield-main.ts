import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf, namingFault } from '../base/errors.js'
import { optimiseLate, staySmall } from '../base/v8.js'
import { epochOfDead } from '../engine/lock.js'
import { serveNoMore } from '../engine/stage-source.js'
import { writeNoLeader } from '../engine/rendezvous.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { childEnvironment, type Place } from '../sites/detect.js'
import { shapeOf } from '../sites/launchers.js'
import { noteOfRank, shield, startBeside } from '../sites/shield.js'
import { ranksOfNode, tileOf } from '../sites/tiles.js'
import { BIN, enterImage, imageOf, programs } from './image.js'

const run = promisify(execFile)

/**
 * What a launcher has started on a node, shielded from it: one rank, or with `--ranks node` all of the node.
 * @param at its place, and its rank among all that were launched
 * @returns 0: launchers take any other status for a reason to end the job
 */
export async function shieldMain(
  exp: Experiment,
  at: {
    readonly place: Place | undefined
    readonly rank: number
    readonly epoch: number
    readonly mayRequeue: boolean
  },
): Promise<number> {
  optimiseLate()
  staySmall()
  const { settings } = exp
  const own =
    settings.RANKS === 'node'
      ? ranksOfNode(at.rank, settings)
      : [{ rank: at.rank, tile: tileOf(at.rank, at.place), slots: 1 }]
  const engine = layout.engine(exp.path)
  const onNoLeader = () => writeNoLeader(engine, epochOfDead(engine, at.epoch))
  const log = (text: string) => noteOfRank(exp.path, at.rank, text)
  const image = imageOf(settings)
  const common = ['--exp', exp.path, '--epoch', String(at.epoch)]
  const isSpread = shapeOf(settings).nodes > 1
  const isSource = isSpread && at.rank === 0
  const source = { engine, epoch: at.epoch, what: 'image' } as const
  try {
    if (isSource && image)
      startBeside(process.execPath, [BIN, 'rank', ...common, '--source', 'image'], () =>
        serveNoMore(source),
      )
    for (const text of await enterImage(settings, isSpread ? source : undefined)) log(text)
  } catch (error) {
    log(`cannot start: ${messageOf(namingFault(error))}`)
    if (at.rank === 0) await onNoLeader()
    return 0
  }
  const { node, script } = programs(image)
  if (isSource)
    startBeside(node, [script, 'rank', ...common, '--source', 'data'], () =>
      serveNoMore({ ...source, what: 'data' }),
    )
  await shield({
    exp: exp.path,
    program: node,
    ranks: own.map(({ rank, tile, slots }) => ({
      ...{ rank, slots },
      argv: [
        ...[script, 'rank', ...common, '--rank', String(rank)],
        ...['--held', '--tile', String(tile), '--slots', String(slots)],
      ],
    })),
    environment: childEnvironment(process.env),
    onAlone: () => (at.mayRequeue ? requeue(engine) : Promise.resolve()),
    onNoLeader,
  })
  return 0
}

/**
 * With --no-kill Slurm lets a job run on whose first node, that of the script and the leader, is lost: to the end
 * of its walltime, for nothing. So the job is begun anew, or ended where that is not allowed.
 */
async function requeue(engine: string): Promise<void> {
  const { SLURM_JOB_ID: job } = process.env
  if (job === undefined) return
  try {
    // one of all that are alone does it; the script of the job takes the file away
    await writeFile(join(engine, 'requeue'), '', { flag: 'wx' })
  } catch {
    return
  }
  await run('scontrol', ['requeue', job])
    .catch(() => run('scancel', [job]))
    .catch(() => undefined)
}
