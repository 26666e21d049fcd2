import { HedError } from '../../src/base/errors.js'
import type { DataCheck, Line, Params, Session, Workflow } from '../../src/experiment/workflow.js'
import { chooseBackend } from '../../src/train/backends/registry.js'
import { openModelStore } from '../../src/train/model-store.js'
import { FILES, inspectData, loadData, STAGE_VERSION, stageData, type HedData } from './data.js'
import { DEFAULTS, KNOWN, readHyperparameters } from './hyperparameters.js'
import { countLeftOut, leftOut } from './partition.js'
import { hedRun } from './run.js'

/** High Error Drug: hold one drug out, train Uno on the rest, score the held-out drug. */
export const workflow: Workflow = {
  name: 'hed',
  defaults: DEFAULTS,
  known: KNOWN,
  files: Object.values(FILES),
  stageVersion: STAGE_VERSION,
  chooseBackend: async wanted => {
    const { backend, why } = await chooseBackend(wanted)
    return { name: backend.name, why }
  },
  inspect: async dataSource => check(await inspectData(dataSource)),
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

function check(data: HedData): DataCheck {
  const { rows, cells, drugs } = leftOut(data, countLeftOut(data))
  const total = data.auc.length
  const notes = [
    `${total.toLocaleString('en')} responses, ${data.cells.values.length} cells, ${data.drugs.values.length} drugs; ${data.cellTable.names.length} cell and ${data.drugTable.names.length} drug features`,
  ]
  if (rows > 0)
    notes.push(`${rows} rows are left out: ${cells} cells and ${drugs} drugs have no features`)
  return {
    notes,
    resolve: line => {
      const options = readHyperparameters(line.params)
      const problems = 'problems' in options ? [...options.problems] : []
      if (!('problems' in options) && options.refuseMissing && rows > 0)
        problems.push(`"missing" is "error", and ${rows} rows have a cell or drug without features`)
      const drug = resolveDrug(data, line)
      if (typeof drug === 'string') problems.push(drug)
      return typeof drug === 'string' || problems.length > 0 ? { problems } : { resolved: drug }
    },
  }
}

/** Which drug a line holds out, by `index`, by name, or both. @returns what is wrong, or both */
function resolveDrug({ drugs }: HedData, { control }: Line): Params | string {
  const { index, drug } = control
  const last = drugs.values.length - 1
  if (index === undefined && drug === undefined) return 'has neither "index" nor "drug"'
  if (
    index !== undefined &&
    (!Number.isInteger(index) || (index as number) < 0 || (index as number) > last)
  )
    return `"index" is ${JSON.stringify(index)}, the data has drugs 0 to ${last}`
  const named = drug === undefined ? undefined : drugs.values.indexOf(drug as string)
  if (named === -1) return `"drug" is ${JSON.stringify(drug)}, no drug of the data; see list-drugs`
  if (index !== undefined && named !== undefined && named !== index)
    return `"index" ${JSON.stringify(index)} is ${drugs.values[index as number]!}, but "drug" is ${JSON.stringify(drug)} (index ${named})`
  const found = named ?? (index as number)
  const name = drugs.values[found]
  if (name === undefined) throw new HedError('DATA', `no drug ${found}`)
  return { index: found, drug: name }
}
