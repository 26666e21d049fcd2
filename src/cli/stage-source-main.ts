import { basename, dirname } from 'node:path'
import { messageOf } from '../base/errors.js'
import { holdLifeline } from '../engine/lifeline.js'
import { stageData } from '../engine/stage-data.js'
import { serveStaged, type SourcePlace } from '../engine/stage-source.js'
import type { Experiment, Settings } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { factsFile, listFile } from '../runtime/store.js'
import { shapeOf } from '../sites/launchers.js'
import { stagedPath } from '../stage/node-local.js'
import { useTree } from '../stage/users.js'
import { imageOf } from './image.js'
import { loadWorkflow } from './workflows.js'

/**
 * Beside the leader where a job has several nodes: has what all want, the one that reads it from the shared file system, and
 * gives it to the others. Without it each reads for itself.
 * @returns 0, when all have it or it cannot be served
 */
export async function stageSourceMain(
  exp: Experiment,
  epoch: number,
  what: SourcePlace['what'],
): Promise<number> {
  const { settings } = exp
  holdLifeline(
    () => undefined,
    () => undefined,
  )
  const { nodes } = shapeOf(settings)
  try {
    const place = { engine: layout.engine(exp.path), epoch, what }
    const have = what === 'data' ? () => staged(exp) : () => packed(settings)
    await serveStaged(place, have, nodes - 1, settings.INTERFACE)
  } catch (error) {
    console.error(`upf-heds: each node has its ${what} by itself: ${messageOf(error)}`)
  }
  return 0
}

async function staged(exp: Experiment): Promise<{ readonly folder: string }> {
  const { DATA_SOURCE, TMP_ROOT } = exp.settings
  const { workflow } = await loadWorkflow(exp.workflow)
  const target = stagedPath(TMP_ROOT, exp.data.digest, {
    name: exp.workflow,
    stageVersion: workflow.stageVersion,
  })
  await useTree(dirname(target), basename(target))
  const task = { dataSource: DATA_SOURCE, digest: exp.data.digest, target }
  const { how } = await stageData(workflow, task)
  console.error(`upf-heds: for all nodes: ${how}`)
  return { folder: target }
}

function packed(settings: Settings): Promise<{ folder: string; only: readonly string[] }> {
  const { file } = imageOf(settings)!
  return Promise.resolve({
    folder: dirname(file),
    only: [file, factsFile(file), listFile(file)].map(path => basename(path)),
  })
}
