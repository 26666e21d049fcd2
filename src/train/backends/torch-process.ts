import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { newCalls } from '../../base/calls.js'
import { HedError, unreachable } from '../../base/errors.js'
import { layers, layout, type ModelSpec } from '../spec.js'
import type { State, TrainerOptions } from '../trainer.js'
import { encodeFrame, frameReader, type Frame, type FrameArray } from './frames.js'
import type { Thread } from './thread.js'
import type { Request, Trained } from './trainer-thread.js'

/** A Python process with PyTorch loaded. `close` kills it. */
export interface TorchProcess extends Thread<Request> {
  /** Alive, and no request runs. */
  isIdle(): boolean
  /** @param held whether this process stays alive for it */
  hold(held: boolean): void
}

/** What keeps the event loop running: the pipes of a child are sockets. */
interface Holdable {
  ref(): void
  unref(): void
}

export const SCRIPT = fileURLToPath(new URL('./torch/serve.py', import.meta.url))

/** The Python of the site: UPF_HEDS_PYTHON, else the first python3 of PATH. */
export function pythonProgram(): string {
  return process.env['UPF_HEDS_PYTHON'] || 'python3'
}

/** The call that runs. */
interface Running {
  readonly type: Request['type']
  readonly begun: number
  readonly onProgress: ((done: number, total: number) => void) | undefined
}

/**
 * torch/serve.py in a process of its own. It ends with its stdin, so it does not outlive this process,
 * however that ends; what it prints goes to our stderr.
 */
export function startTorch(device: string, precision: string, threads: number): TorchProcess {
  const program = pythonProgram()
  const child = spawn(program, [SCRIPT, device, precision, String(threads)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const calls = newCalls<unknown>()
  let running: Running | undefined
  const die = (error: Error) => {
    calls.end(error)
    child.kill('SIGKILL')
  }
  const gone = new Promise<void>(resolve => {
    child.on('error', error => {
      die(new Error(`${program} cannot be started: ${error.message}`))
      if (child.pid === undefined) resolve()
    })
    child.on('close', (code, signal) => {
      const how = signal === null ? `ended with status ${code ?? '?'}` : `died of ${signal}`
      die(
        new HedError(
          'CRASHED',
          `torch: the Python process ${child.pid ?? '?'} ${how}; its words are in out/out-NNN.txt`,
        ),
      )
      resolve()
    })
  })
  child.stdin.on('error', () => undefined) // EPIPE: its end tells
  const onFrame = ({ head, arrays }: Frame) => {
    if (!running || calls.waiting() === 0) return
    if (head['type'] === 'progress')
      running.onProgress?.(head['done'] as number, head['total'] as number)
    else if (head['type'] === 'ok') calls.resolve(answerTo(running, head, arrays))
    else calls.reject(failure(head))
  }
  const read = frameReader(onFrame)
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      read(chunk)
    } catch (error) {
      die(error as Error)
    }
  })
  const write = (frame: Frame) => {
    child.stdin.cork()
    for (const bytes of encodeFrame(frame)) child.stdin.write(bytes)
    child.stdin.uncork()
  }
  return {
    ask: async (request, onProgress) => {
      if (calls.waiting() > 0) throw new Error('the trainer is busy: one call at a time')
      return calls.ask(() => {
        running = { type: request.type, begun: performance.now(), onProgress }
        write(frameOf(request))
      })
    },
    isIdle: () => !calls.isOver() && calls.waiting() === 0,
    hold: held => {
      for (const each of [child, child.stdin, child.stdout] as unknown as Holdable[])
        if (held) each.ref()
        else each.unref()
    },
    stop: () => write({ head: { type: 'stop' }, arrays: [] }),
    close: () => {
      die(new Error('the trainer is closed'))
      return gone
    },
  }
}

function frameOf(request: Request): Frame {
  const { type } = request
  switch (type) {
    case 'create': {
      const { options, state } = request
      const { cell, drug } = options.tables
      const { head, arrays } = frameOfState(state)
      return { head: { type, ...modelOf(options), ...head }, arrays: [cell, drug, ...arrays] }
    }
    case 'epoch': {
      const { epoch, learningRate: rate, rows, y } = request.epoch
      return { head: { type, epoch, rate }, arrays: [rows.cell, rows.drug, y] }
    }
    case 'predict':
      return { head: { type }, arrays: [request.rows.cell, request.rows.drug] }
    case 'state':
      return { head: { type }, arrays: [] }
    case 'load': {
      const { head, arrays } = frameOfState(request.state)
      return { head: { type, ...head }, arrays }
    }
    default:
      return unreachable(type)
  }
}

function frameOfState({ weights, moments, step, momentum }: State): Frame {
  return { head: { step, momentum }, arrays: [weights, ...moments] }
}

function modelOf({ spec, tables, loss, optimiser, batchSize, key }: TrainerOptions) {
  const { slots, size } = layout(spec)
  const at = (name: string) => slots.find(slot => slot.name === name)!.offset
  return {
    layers: layers(spec).map(layer => ({
      ...layer,
      part: partOf(spec, layer.name),
      kernel: at(`${layer.name}/kernel`),
      bias: at(`${layer.name}/bias`),
    })),
    size,
    loss,
    optimiser,
    batch: batchSize,
    key,
    features: [tables.cellFeatures, tables.drugFeatures],
  }
}

function partOf(spec: ModelSpec, name: string): 'cell' | 'drug' | 'joint' {
  const tower = (['cell', 'drug'] as const).find(part => spec[part].some(l => l.name === name))
  return tower ?? 'joint'
}

function answerTo(
  { type, begun }: Running,
  { step, momentum }: Frame['head'],
  arrays: readonly FrameArray[],
): Trained | State | FrameArray | undefined {
  if (type === 'epoch') return { loss: arrays[0]?.[0], seconds: (performance.now() - begun) / 1000 }
  if (type === 'predict') return arrays[0]
  if (type !== 'state') return undefined
  const [weights, ...moments] = arrays as [Float32Array, ...Float32Array[]]
  return { weights, moments, step: step as number, momentum: momentum as number }
}

/** Of a request; the process lives on. */
function failure({ message, memory }: Frame['head']): Error {
  const text = `torch: ${String(message)}`
  return memory === true ? new RangeError(`allocation failed: ${text}`) : new Error(text)
}
