import * as ort from 'onnxruntime-node'

/** The one place where onnxruntime is asked for sessions, and where arrays become its tensors. */
export type Session = ort.InferenceSession
export type Tensor = ort.Tensor

/** A session on the CPU with `threads` threads: the caller and `threads` − 1 more. */
export function newSession(model: Uint8Array, threads: number): Promise<Session> {
  // threads that spin while they wait are faster, but rob the other executors of a crowded node
  const spin = threads > 1 && process.env['UPF_HEDS_SPIN'] !== '0'
  return ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4, // what goes wrong is thrown
    extra: { session: { intra_op: { allow_spinning: spin ? '1' : '0' } } },
  })
}

/** The data are shared, not copied. */
export function floats(data: Float32Array, dims: readonly number[]): Tensor {
  return new ort.Tensor('float32', data, dims)
}

export function ints(data: Int32Array): Tensor {
  return new ort.Tensor('int32', data, [data.length])
}

/** A feature table [rows, width]. */
export function tableTensor(table: Float32Array, width: number): Tensor {
  return floats(table, [table.length / width, width])
}
