import { parentPort, workerData } from 'node:worker_threads'
import { newDesk, perform, told, type Setup } from './blas-team.js'

/** A further thread of a `blas` trainer: does its part of task after task, until its process or parent ends it. */
const { setup, rank } = workerData as { readonly setup: Setup; readonly rank: number }
const desk = newDesk(setup, rank)
parentPort!.postMessage('ready')
try {
  for (;;) {
    desk.member.barrier()
    perform(desk, setup, told(setup), () => undefined)
  }
} catch (error) {
  desk.member.fail()
  throw error
}
