import { Worker } from 'node:worker_threads'
import { newCalls } from '../base/calls.js'
import type { Model } from './h5.js'
import type { ModelSpec, OptimiserName } from './spec.js'
import type { State } from './trainer.js'

/** Writes and reads model.h5 in a thread of its own: off the training path, and its clock stands still. */
export interface ModelStore {
  /** Written and fsynced. Takes the state's arrays over: they are empty afterwards. @returns crc32 of the file */
  write(path: string, model: Model, withMoments: boolean): Promise<number>
  /** @param crc32 what the file must have; undefined: not checked. @returns no moments where the file has none */
  read(
    path: string,
    spec: ModelSpec,
    optimiser: OptimiserName,
    crc32: number | undefined,
  ): Promise<State>
  close(): Promise<void>
}

export type StoreRequest =
  | {
      readonly op: 'write'
      readonly path: string
      readonly model: Model
      readonly withMoments: boolean
    }
  | {
      readonly op: 'read'
      readonly path: string
      readonly spec: ModelSpec
      readonly optimiser: OptimiserName
      readonly crc32: number | undefined
    }

export type StoreReply = { readonly value: unknown } | { readonly error: string }

export function openModelStore(): ModelStore {
  const worker = new Worker(new URL('./h5-worker.js', import.meta.url))
  const calls = newCalls<unknown>()
  worker.on('message', (reply: StoreReply) => {
    if ('error' in reply) calls.reject(new Error(reply.error))
    else calls.resolve(reply.value)
    if (calls.waiting() === 0) worker.unref()
  })
  worker.on('error', calls.end)
  worker.on('exit', code => calls.end(new Error(`the checkpoint thread ended with ${code}`)))
  worker.unref()
  const ask = <T>(request: StoreRequest, transfer: ArrayBuffer[] = []) =>
    calls.ask(() => {
      worker.ref() // a process must not end with a checkpoint half written
      worker.postMessage(request, transfer)
    }) as Promise<T>
  return {
    // handed over, not copied: with Adam's moments a state of Uno is 135 MB
    write: (path, model, withMoments) =>
      ask<number>({ op: 'write', path, model, withMoments }, buffers(model.state)),
    read: (path, spec, optimiser, crc32) =>
      ask<State>({ op: 'read', path, spec, optimiser, crc32 }),
    close: async () => {
      calls.end(new Error('closed'))
      await worker.terminate()
    },
  }
}

/** The buffers of a state, to hand over to another thread. */
export function buffers({ weights, moments }: State): ArrayBuffer[] {
  return [weights, ...moments].map(array => array.buffer as ArrayBuffer)
}
