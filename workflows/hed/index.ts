import type { DataCheck, Session, Workflow } from '../../src/experiment/workflow.js'
import { chooseBackend } from '../../src/train/backends/registry.js'
import { openModelStore } from '../../src/train/model-store.js'
import {
  FILES,
  inspectData,
  loadData,
  STAGE_VERSION,
  stageData,
  without,
  type HedData,
} from './data.js'
import { PARTITIONS, resolveHeldOut } from './held-out.js'
import { DEFAULTS, KNOWN, readHyperparameters } from './hyperparameters.js'
import { importLosses, resolveLoss } from './loss-module.js'
import { countLeftOut } from './partition.js'
import { hedRun } from './run.js'

/** High Error Drug: hold one drug out, train Uno on the rest, score the held-out drug. */
export const workflow: Workflow = {
  name: 'hed',
  defaults: DEFAULTS,
  known: KNOWN,
  files: Object.values(FILES),
  stageVersion: STAGE_VERSION,
  chooseBackend: async (wanted, isElsewhere) => {
    const { backend, why } = await chooseBackend(wanted, isElsewhere)
    return { name: backend.name, why }
  },
  inspect: async (dataSource, backend) => check(await inspectData(dataSource), backend),
  preload: importLosses,
  stage: stageData,
  verify: async target => {
    await loadData(target)
  },
  open: async ({ data, threads, backend }): Promise<Session> => {
    const hedData = await loadData(data)
    const { backend: arithmetic } = await chooseBackend(backend)
    const store = openModelStore()
    return {
      run: context => hedRun(context, { data: hedData, backend: arithmetic, threads, store }),
      close: () => store.close(),
    }
  },
}

function check(data: HedData, backend: string): DataCheck {
  const rows = countLeftOut(data)
  const total = data.auc.length
  const lacking = without(data)
  const notes = [
    `${total.toLocaleString('en')} responses, ${data.cells.values.length} cells, ${data.drugs.values.length} drugs; ${data.cellTable.names.length} cell and ${data.drugTable.names.length} drug features`,
  ]
  if (rows > 0) notes.push(`${rows} rows are left out: no features of ${lacking}`)
  return {
    notes,
    resolve: line => {
      const options = readHyperparameters(line.params)
      const problems = 'problems' in options ? [...options.problems] : []
      if (!('problems' in options) && options.refuseMissing && rows > 0)
        problems.push(`"missing" is "error", and ${rows} rows lack features: ${lacking}`)
      const partition = PARTITIONS.find(p => p === line.params['partition']) ?? 'by_drug'
      const heldOut = resolveHeldOut(data, partition, line.control)
      const loss = 'problems' in options ? {} : resolveLoss(options.training.loss, backend)
      for (const found of [heldOut, loss]) if (typeof found === 'string') problems.push(found)
      return typeof heldOut === 'string' || typeof loss === 'string' || problems.length > 0
        ? { problems }
        : { resolved: { ...heldOut, ...loss } }
    },
  }
}
