import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../../src/base/errors.js'
import { writeAtomic } from '../../src/base/files.js'
import {
  Stopped,
  type Outcome,
  type Params,
  type RunContext,
} from '../../src/experiment/workflow.js'
import { bareWorkflow } from './bare-workflow.js'

const DEFAULTS = { epochs: 3, epochSeconds: 0.2, seed: 0, hold: '' }

/**
 * A workflow without data and almost without arithmetic that takes its time: each RUN "trains" `epochs`
 * epochs of `epochSeconds`, makes each durable as hed does, and goes on from there in its next attempt.
 *
 *     ckpts/state.json   { epoch, state }: the last finished epoch
 *     ckpts/work-…       the next one, until it is renamed
 *     trained.txt        a line when an epoch begins and one when it ends: who trained what, and when
 *     result.txt         a function of seed and epochs alone
 *
 * With `hold` it stops in its first attempt at that point until the file `go` is in the RUN's directory:
 * a test that finds `held` there knows exactly what it disturbs.
 */
export const workflow = bareWorkflow('slow', DEFAULTS, slowRun)

/** Where a RUN may hold; the epoch is its second one. `scoring`: after the last one, before the marker. */
export const HOLDS = ['partition', 'mid-epoch', 'mid-checkpoint', 'scoring'] as const
export type Hold = (typeof HOLDS)[number]

/** What result.txt must hold. */
export function slowResult(params: Params): string {
  let state = first(params)
  for (let epoch = 1; epoch <= Number(params['epochs']); epoch++) state = trained(state, epoch)
  return `${state}\n`
}

export interface TrainedLine {
  readonly what: 'begin' | 'end'
  readonly epoch: number
  /** Work name of the attempt. */
  readonly attempt: string
  /** ms since 1970. */
  readonly time: number
}

/** trained.txt; a line that was cut off is left out. */
export function parseTrained(text: string): TrainedLine[] {
  return text.split('\n').flatMap(line => {
    const [what, epoch, attempt, time, end] = line.split(' ')
    if ((what !== 'begin' && what !== 'end') || end !== '.') return []
    return [{ what, epoch: Number(epoch), attempt: attempt!, time: Number(time) }]
  })
}

async function slowRun(context: RunContext): Promise<Outcome> {
  const { params, directory, temporary, workName, run } = context
  const epochs = Number(params['epochs'])
  const ckpts = join(directory, 'ckpts')
  await mkdir(ckpts, { recursive: true })
  await mkdir(temporary, { recursive: true, mode: 0o700 })
  const scratch = join(temporary, 'scratch')
  const hold = (point: Hold, epochNow = HELD_EPOCH) =>
    params['hold'] === point && context.attempt === 1 && epochNow === HELD_EPOCH
      ? held(context)
      : undefined
  await writeFile(scratch, run)
  await cleanWork(context, ckpts)
  await hold('partition')
  let { epoch, state } = (await lastState(ckpts)) ?? { epoch: 0, state: first(params) }
  const note = (what: 'begin' | 'end', of: number) =>
    appendFile(join(directory, 'trained.txt'), `${what} ${of} ${workName} ${Date.now()} .\n`)
  while (epoch < epochs) {
    context.progress({ phase: 'train', epoch, epochs, part: 0 })
    await note('begin', epoch + 1)
    await hold('mid-epoch', epoch + 1)
    await pause(Number(params['epochSeconds']) * 1000, context.signal)
    state = trained(state, ++epoch)
    // the folder is ours alone: nobody may have taken it away or written into it
    if ((await readFile(scratch, 'utf8')) !== run) throw new Error('the scratch file is not ours')
    const now = epoch
    await save(context, ckpts, JSON.stringify({ epoch, state }), () => hold('mid-checkpoint', now))
    await note('end', epoch)
    context.log(`epoch ${epoch}/${epochs}`)
    context.progress({ phase: 'train', epoch, epochs, part: 0 })
  }
  await hold('scoring')
  await context.fence()
  await writeAtomic(join(directory, 'result.txt'), `${state}\n`)
  return { epochs, reason: 'completed', outputs: ['result.txt'] }
}

/** Beside, synced, fenced, renamed. */
async function save(
  context: RunContext,
  ckpts: string,
  text: string,
  beforeRename: () => Promise<void> | undefined,
): Promise<void> {
  const work = join(ckpts, context.workName)
  const file = await open(work, 'w')
  try {
    await file.writeFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  try {
    await beforeRename()
    await context.fence()
    await rename(work, join(ckpts, 'state.json'))
  } catch (error) {
    await rm(work, { force: true })
    // a newer attempt may have cleaned it away after our fence
    if (codeOf(error) === 'ENOENT') await context.fence()
    throw error
  }
}

const HELD_EPOCH = 2

/** Until there is `go`, or it is told to stop. */
async function held({ directory, signal }: RunContext): Promise<void> {
  await writeFile(join(directory, 'held'), '')
  while (!existsSync(join(directory, 'go'))) await pause(20, signal)
}

async function lastState(ckpts: string): Promise<{ epoch: number; state: string } | undefined> {
  const text = await readFile(join(ckpts, 'state.json'), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : (JSON.parse(text) as { epoch: number; state: string })
}

/** What attempts that were killed have left. */
async function cleanWork({ workName }: RunContext, ckpts: string): Promise<void> {
  for (const name of await readdir(ckpts))
    if (name.startsWith('work-') && name !== workName) await rm(join(ckpts, name), { force: true })
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    throw new Stopped() // every finished epoch is durable already
  })
}

function first(params: Params): string {
  return hash(`seed ${JSON.stringify(params['seed'])}`)
}

function trained(state: string, epoch: number): string {
  return hash(`${state} ${epoch}`)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
