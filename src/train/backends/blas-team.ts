import type { TrainerOptions } from '../trainer.js'
import { addressOf, openLibrary, type LibraryName } from './blas-library.js'
import type { Desk } from './blas-layers.js'
import type { Plan } from './blas-memory.js'
import { predictHead, predictTower } from './blas-predict.js'
import { trainStep, type Step } from './blas-step.js'
import { sharedKernel } from './kernel.js'
import { newMember } from './team.js'

/** What the threads of a trainer do together. */
export type Task =
  | ({ readonly type: 'step' } & Step)
  | {
      readonly type: 'tower'
      readonly tower: 'cell' | 'drug'
      /** Rows first … first + n of the table. */
      readonly first: number
      readonly n: number
    }
  | { readonly type: 'head'; readonly n: number }

/** What each thread is given. */
export interface Setup {
  readonly library: LibraryName
  readonly model: Pick<TrainerOptions, 'key' | 'optimiser'>
  readonly plan: Plan
  readonly memory: WebAssembly.Memory
  /** Of `newMember`. */
  readonly words: Int32Array
  readonly threads: number
  /** The task, where all can read it: see `tell`. */
  readonly task: Float64Array
}

export const TASK_NUMBERS = 7

export function newDesk({ library, plan, memory, words, threads }: Setup, rank: number): Desk {
  const { buffer } = memory
  // threads that spin while they wait are faster, but rob the other executors of a crowded node
  const spin = process.env['UPF_HEDS_SPIN'] !== '0'
  return {
    plan,
    kernel: sharedKernel(memory),
    gemm: openLibrary(library).gemm(),
    member: newMember(rank, threads, words, spin),
    floats: new Float32Array(buffer),
    bytes: new Int8Array(buffer),
    base: addressOf(buffer),
  }
}

/**
 * Do one thread's part of a task; all threads call it.
 * @param loss called by the first thread within a step
 * @returns Nadam's product after a step
 */
export function perform(desk: Desk, { model }: Setup, task: Task, loss: () => void): number {
  switch (task.type) {
    case 'step':
      return trainStep(desk, model, task, loss)
    case 'tower':
      predictTower(desk, task.tower, task.first, task.n)
      return 1
    case 'head':
      predictHead(desk, task.n)
      return 1
  }
}

const TYPES = ['step', 'tower', 'head'] as const
const TOWERS = ['cell', 'drug'] as const

/** Write a task as numbers. */
export function tell({ task: to }: Pick<Setup, 'task'>, task: Task): void {
  to[0] = TYPES.indexOf(task.type)
  to[1] = task.n
  if (task.type === 'step')
    to.set([task.epoch, task.index, task.rate, task.count, task.momentum], 2)
  if (task.type === 'tower') to.set([TOWERS.indexOf(task.tower), task.first], 2)
}

/** Read what `tell` wrote. */
export function told({ task: from }: Pick<Setup, 'task'>): Task {
  const [kind, n, ...rest] = from as unknown as [number, number, ...number[]]
  const type = TYPES[kind]!
  const [a, b, rate, count, momentum] = rest as [number, number, number, number, number]
  if (type === 'step') return { type, n, epoch: a, index: b, rate, count, momentum }
  if (type === 'tower') return { type, n, tower: TOWERS[a]!, first: b }
  return { type, n }
}
