import * as ort from 'onnxruntime-node'
import type { TrainerOptions } from '../trainer.js'

/** The one place where onnxruntime is asked for sessions, and where arrays become its tensors. */
export type Session = ort.InferenceSession
export type Tensor = ort.Tensor

export async function newSession(
  model: Uint8Array,
  { threads }: Pick<TrainerOptions, 'threads'>,
): Promise<Session> {
  return ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: {
      session: {
        // threads that spin while they wait rob the other executors of a shared machine
        intra_op: { allow_spinning: process.env['UPF_HEDS_SPIN'] === '0' ? '0' : '1' },
      },
    },
  })
}

export function floats(data: Float32Array, dims: readonly number[]): Tensor {
  return new ort.Tensor('float32', data, dims)
}

export function ints(data: Int32Array): Tensor {
  return new ort.Tensor('int32', data, [data.length])
}
