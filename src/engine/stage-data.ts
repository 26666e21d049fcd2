import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { HedError } from '../base/errors.js'
import { dataDigest } from '../experiment/digest.js'
import type { Workflow } from '../experiment/workflow.js'
import { makeTmpRoot, stageOnce } from '../stage/node-local.js'
import { oneAtATime } from '../stage/one-at-a-time.js'
import { patiently } from './disk.js'
import { awaitSource, fetchFrom, tellPresent, type SourcePlace } from './stage-source.js'

/** What one node shall have. */
export interface StageTask {
  readonly dataSource: string
  /** sha256 over the files, as in exp.json: other data is refused. */
  readonly digest: string
  /** Folder to fill, node-local, published by a rename. */
  readonly target: string
  /** Who may have it already: where to read of it. */
  readonly source?: SourcePlace | undefined
}

export interface Staged {
  /** A line for the log. */
  readonly how: string
  /** No other node needs this one any more. */
  readonly over: Promise<void>
}

/**
 * The node-local form of a workflow's data, on this node. What is there and verifies is used; else it comes from the node
 * of the leader, through the nodes between; where that fails, from DATA_SOURCE as there.
 */
export async function stageData(workflow: Workflow, task: StageTask): Promise<Staged> {
  const { target, source } = task
  await makeTmpRoot(dirname(target))
  // not in our turn: the source may be a node that waits for its own, of a sweep that leads here
  const isThere = existsSync(target)
  const serving = source && !isThere ? await awaitSource(source) : undefined
  let way = ''
  let over = Promise.resolve()
  const fill = async (directory: string) => {
    const fetched = serving && (await fetchFrom(serving, directory))
    if (fetched && 'from' in fetched) {
      over = fetched.over
      way = ` from ${fetched.from}, ${(fetched.bytes / 1e6).toFixed(1)} MB`
      return
    }
    if (fetched) way = `, ${fetched.why}`
    await make(workflow, task, directory)
  }
  const verify = (directory: string) => workflow.verify(directory)
  const how = await oneAtATime(`${target}.turn`, () =>
    patiently(() => stageOnce(target, verify, fill)),
  )
  if (source && isThere) over = tellPresent(source)
  return { how: `data ${how} in ${target}${way}`, over }
}

async function make(
  workflow: Workflow,
  { dataSource, digest }: StageTask,
  directory: string,
): Promise<void> {
  const found = await dataDigest(dataSource, workflow.files)
  if (found.digest !== digest)
    throw new HedError('DATA', `${dataSource}: the data is not what this EXP began with`, {
      hint: 'Put the files back, or start a new EXP.',
    })
  await workflow.stage(dataSource, directory)
}
