import { rmdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { exitStatus, HedError, namingFault } from '../base/errors.js'
import { staySmall, optimiseLate } from '../base/v8.js'
import { openExp, type Experiment } from '../experiment/exp.js'
import { binder } from '../sites/cpus.js'
import { leash } from '../sites/leash.js'
import { parseReference, unpackedPath } from '../runtime/reference.js'
import { childEnvironment, detectPlace } from '../sites/detect.js'
import { ALONE } from '../sites/shield.js'
import { tileEnvironment, tileOf } from '../sites/tiles.js'
import { stagedPath } from '../stage/node-local.js'
import { tidyNode } from '../stage/tidy.js'
import { useTree } from '../stage/users.js'
import { report } from './report.js'
import { loadWorkflow } from './workflows.js'

/**
 * One rank, as a launcher starts it: 0 leads, the others are agents. Not for people.
 *
 * @param argv `--exp EXP [--rank N] [--tile N] [--slots N] [--epoch N] [--workflow URL]`, and
 * `--lifeline`: by our own launcher, on this machine ·
 * `--shield`: start what belongs here, and start it again; `--first N`: our launcher counts from there;
 * `--requeue`: begin the job anew where the leader's node is lost ·
 * `--held`: by such a shield · `--source data` or `image`: not a rank, but what has that for all nodes ·
 * `--launch`: not a rank, but all of a job
 * @returns the exit status
 */
export async function rankMain(argv: readonly string[]): Promise<number> {
  try {
    return await serve(argv)
  } catch (thrown) {
    const error = namingFault(thrown)
    report(error, false)
    return leave(exitStatus(error)) // also where half of it has begun
  }
}

const OPTIONS = {
  exp: { type: 'string' },
  rank: { type: 'string' },
  epoch: { type: 'string', default: '1' },
  workflow: { type: 'string' },
  lifeline: { type: 'boolean', default: false },
  shield: { type: 'boolean', default: false },
  launch: { type: 'boolean', default: false },
  source: { type: 'string' },
  first: { type: 'string', default: '0' },
  requeue: { type: 'boolean', default: false },
  held: { type: 'boolean', default: false },
  tile: { type: 'string' },
  slots: { type: 'string', default: '1' },
} as const

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: OPTIONS }).values
}

async function serve(argv: readonly string[]): Promise<number> {
  const args = parse(argv)
  if (args.exp === undefined) throw new HedError('USAGE', 'rank: --exp is missing')
  const exp = openExp(args.exp, '.')
  const epoch = Number(args.epoch)
  if (args.launch) {
    const { launchMain } = await import('./launch-hosts.js')
    return leave(await launchMain(exp, epoch))
  }
  if (args.source === 'data' || args.source === 'image') {
    const { stageSourceMain } = await import('./stage-source-main.js')
    return leave(await stageSourceMain(exp, epoch, args.source))
  }
  const place = args.rank === undefined ? detectPlace(process.env) : undefined
  const found = args.rank === undefined ? place?.rank : Number(args.rank)
  if (found === undefined)
    throw new HedError('PROTOCOL', 'no launcher has told this process its rank', {
      hint: 'Start it with mpiexec or srun, or give --rank.',
    })
  if (args.shield) {
    const { shieldMain } = await import('./shield-main.js')
    return leave(
      await shieldMain(exp, {
        ...{ place, rank: found + Number(args.first), epoch },
        mayRequeue: args.requeue,
      }),
    )
  }
  if (args.held) {
    const { holdLifeline } = await import('../engine/lifeline.js')
    // executors have such a pipe to us: they go when we do
    holdLifeline(
      () => undefined,
      () => undefined,
    )
  }
  const { lifeline } = args
  await useImage(exp)
  if (found === 0) {
    const { leaderMain } = await import('../engine/leader-process.js')
    return leave(await leaderMain({ exp, loopback: lifeline, lifeline, epoch }))
  }
  const tile = args.tile === undefined ? tileOf(found, place) : Number(args.tile)
  const slots = Number(args.slots)
  return leave(await serveAsAgent(exp, found, { ...args, epoch, tile, slots }))
}

async function serveAsAgent(
  exp: Experiment,
  rank: number,
  args: {
    readonly workflow?: string
    readonly epoch: number
    readonly lifeline: boolean
    readonly held: boolean
    readonly tile: number
    readonly slots: number
  },
): Promise<number> {
  optimiseLate()
  staySmall()
  const { workflow, url } = await loadWorkflow(exp.workflow)
  const { TMP_ROOT } = exp.settings
  const { name, stageVersion } = { name: exp.workflow, stageVersion: workflow.stageVersion }
  await use(stagedPath(TMP_ROOT, exp.data.digest, { name, stageVersion }))
  atEnd.push(() => removeIfEmpty(join(TMP_ROOT, exp.id)))
  void tidyNode(TMP_ROOT)
  const { agentMain } = await import('../engine/agent-main.js')
  const { epoch, lifeline, tile, slots } = args
  const leashed = leash()
  const bound = binder(exp.settings, text =>
    console.error(args.held ? `rank ${rank}: ${text}` : text),
  )
  return agentMain({
    ...{ exp, rank, epoch, lifeline, tile, slots },
    // a launcher such as mpiexec would end the job at any other status than 0
    alone: args.held ? ALONE : 0,
    before: tile => [...leashed, ...bound(tile)],
    workflow: {
      url: args.workflow ?? url,
      ...{ name, stageVersion },
    },
    environment: slot => ({
      ...childEnvironment(process.env),
      ...tileEnvironment(exp.settings.TILES, slot, process.env),
      UPF_HEDS_SLOT: String(slot), // for whom no GPU is named: its place among the workers of its node
    }),
  })
}

/** What is to be done before the process ends. */
const atEnd: (() => void)[] = []

/** As long as this process lives, nobody cleans the image away that it was started from. */
async function useImage({ settings: { ENV, TMP_ROOT } }: Experiment): Promise<void> {
  const digest = ENV ? parseReference(ENV).digest : undefined
  if (digest !== undefined) await use(unpackedPath(TMP_ROOT, digest))
}

async function use(tree: string): Promise<void> {
  atEnd.push(await useTree(dirname(tree), basename(tree)))
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // another rank is at work there, or nobody has been
  }
}

/** Sockets and pipes may keep the process awake; what had to be written is written. */
function leave(status: number): never {
  for (const end of atEnd) end()
  process.exit(status)
}
