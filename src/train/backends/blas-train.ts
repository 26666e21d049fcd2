import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { loadLoss, lossSlopes } from '../losses.js'
import type { Rows, State, TrainerOptions } from '../trainer.js'
import { preferHugePages, type LibraryName } from './blas-library.js'
import { planMemory, PREDICTED_ROWS, setTables, type Plan } from './blas-memory.js'
import { newDesk, perform, TASK_NUMBERS, tell, type Setup, type Task } from './blas-team.js'
import { TEAM_WORDS } from './team.js'
import type { Epoch, ServedTrainer } from './trainer-thread.js'

/** Training and prediction on the thread it is called from, which it blocks, and `threads` − 1 helpers. */
export async function newBlasTrainer(
  options: TrainerOptions,
  start: State,
  library: LibraryName,
): Promise<ServedTrainer> {
  const { batchSize, loss, tables } = options
  await loadLoss(loss)
  const plan = planMemory(options, start.moments.length)
  const setup = newSetup(options, plan, library)
  preferHugePages(setup.memory.buffer)
  setTables(plan, setup.memory, tables)
  const desk = newDesk(setup, 0)
  await startHelpers(setup)

  const { floats } = desk
  const state = (at: number) => floats.subarray(at / 4, at / 4 + plan.size)
  const weights = state(plan.weights)
  const moments = plan.moments.map(state)
  let count = 0
  let momentum = 1
  const load = (from: State) => {
    if ([from.weights, ...from.moments].some(array => array.length !== plan.size))
      throw new RangeError(`a state of ${from.weights.length} floats, want ${plan.size}`)
    weights.set(from.weights)
    from.moments.forEach((m, i) => moments[i]!.set(m))
    count = from.step
    momentum = from.momentum
  }
  load(start)

  /** Have all threads do a task; this one returns when it is done. */
  const together = (task: Task, onOutputs: () => void = () => undefined): number => {
    try {
      tell(setup, task)
      desk.member.deal()
      desk.member.barrier()
      return perform(desk, setup, task, onOutputs)
    } catch (error) {
      desk.member.fail()
      throw error
    }
  }
  const codesOf = (name: 'cell' | 'drug') =>
    new Int32Array(setup.memory.buffer, plan[name].codes, Math.max(batchSize, PREDICTED_ROWS))
  const codes = { cell: codesOf('cell'), drug: codesOf('drug') }
  const setRows = ({ cell, drug }: Rows, from: number, to: number) => {
    codes.cell.set(cell.subarray(from, to))
    codes.drug.set(drug.subarray(from, to))
  }
  const output = plan.ahead.at(-1)![0]!
  const column = (at: number, n: number) => ({
    get: (r: number) => floats[at / 4 + r * output.ld]!,
    set: (r: number, value: number) => (floats[at / 4 + r * output.ld] = value),
    n,
  })

  const trainBatch = (epoch: Epoch, from: number, index: number): number => {
    const to = Math.min(from + batchSize, epoch.y.length)
    setRows(epoch.rows, from, to)
    const n = to - from
    let met = 0
    const onOutputs = () => {
      const y = epoch.y.subarray(from, to)
      met = lossSlopes(loss, y, column(output.out, n).get, column(output.slope, n).set)
    }
    count++
    const { epoch: number, learningRate: rate } = epoch
    momentum = together({ type: 'step', n, epoch: number, index, rate, count, momentum }, onOutputs)
    return met * n
  }

  return {
    trainEpoch: (epoch, onStep, stop) => {
      const total = epoch.y.length
      let sum = 0
      for (let from = 0, index = 0; from < total; from += batchSize, index++) {
        if (stop()) return undefined
        sum += trainBatch(epoch, from, index)
        onStep(Math.min(total, from + batchSize), total)
      }
      return sum / total
    },
    predict: rows => {
      for (const tower of ['cell', 'drug'] as const)
        for (let first = 0; first < plan[tower].rows; first += plan.capacity) {
          const n = Math.min(plan.capacity, plan[tower].rows - first)
          together({ type: 'tower', tower, first, n })
        }
      const result = new Float32Array(rows.cell.length)
      for (let from = 0; from < result.length; from += PREDICTED_ROWS) {
        const n = Math.min(PREDICTED_ROWS, result.length - from)
        setRows(rows, from, from + n)
        together({ type: 'head', n })
        result.set(floats.subarray(plan.predicted / 4, plan.predicted / 4 + n), from)
      }
      return result
    },
    state: () => ({
      weights: weights.slice(),
      moments: moments.map(m => m.slice()),
      step: count,
      momentum,
    }),
    load,
  }
}

function newSetup(
  { key, optimiser, threads }: TrainerOptions,
  plan: Plan,
  library: LibraryName,
): Setup {
  const { pages } = plan
  return {
    library,
    model: { key, optimiser },
    plan,
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    words: new Int32Array(new SharedArrayBuffer(4 * TEAM_WORDS)),
    threads,
    task: new Float64Array(new SharedArrayBuffer(8 * TASK_NUMBERS)),
  }
}

/** Threads 1 …; they end with the thread that starts them. */
async function startHelpers(setup: Setup): Promise<void> {
  const script = new URL('./blas-helper.js', import.meta.url)
  const helpers = Array.from({ length: setup.threads - 1 }, (_, i) => {
    const workerData = { setup, rank: i + 1 }
    return new Worker(script, { execArgv: [], workerData })
  })
  await Promise.all(helpers.map(helper => once(helper, 'message')))
  for (const helper of helpers) helper.unref()
}
