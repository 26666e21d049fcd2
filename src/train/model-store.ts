import { Worker } from 'node:worker_threads'
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
  let dead: Error | undefined
  const waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = []
  const fail = (error: Error) => {
    dead ??= error
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  worker.on('message', (reply: StoreReply) => {
    const first = waiting.shift()
    if (waiting.length === 0) worker.unref()
    if ('error' in reply) first?.reject(new Error(reply.error))
    else first?.resolve(reply.value)
  })
  worker.on('error', fail)
  worker.on('exit', code => fail(new Error(`the checkpoint thread ended with ${code}`)))
  worker.unref()
  const ask = <T>(request: StoreRequest, transfer: ArrayBuffer[] = []) =>
    new Promise<T>((resolve, reject) => {
      if (dead) {
        reject(dead)
        return
      }
      waiting.push({ resolve: resolve as (value: unknown) => void, reject })
      worker.ref() // a process must not end with a checkpoint half written
      worker.postMessage(request, transfer)
    })
  return {
    // handed over, not copied: with Adam's moments a state of Uno is 135 MB
    write: (path, model, withMoments) =>
      ask<number>({ op: 'write', path, model, withMoments }, buffers(model.state)),
    read: (path, spec, optimiser, crc32) =>
      ask<State>({ op: 'read', path, spec, optimiser, crc32 }),
    close: async () => {
      dead = new Error('closed')
      await worker.terminate()
    },
  }
}

/** The buffers of a state, to hand over to another thread. */
export function buffers({ weights, moments }: State): ArrayBuffer[] {
  return [weights, ...moments].map(array => array.buffer as ArrayBuffer)
}
