import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere } from '../../base/files.js'
import { requireBuiltIn } from '../losses.js'
import type { Backend } from '../trainer.js'
import { pythonProgram, SCRIPT, startTorch, type TorchProcess } from './torch-process.js'
import { newTrainer } from './trainer-thread.js'

export type Device = 'cuda' | 'xpu' | 'cpu'

/** Products in float32, its short form of 10 bits on tensor cores, or bfloat16; all else in float32. */
export type Precision = 'fp32' | 'tf32' | 'bf16'

/** Loading PyTorch from a file system that many nodes share takes its time. */
const PROBE_MS = 300_000

/**
 * PyTorch of the site's Python, in a process of its own. Device and precision are part of the name, as they
 * decide the bytes: an EXP goes on with those it began with.
 */
export function torch(device: Device, precision: Precision = 'fp32'): Backend {
  return {
    name: precision === 'fp32' ? `torch:${device}` : `torch:${device}:${precision}`,
    unavailable: async () => notHere(device) ?? (await probe(pythonProgram())).get(device),
    library: () => versionOf(pythonProgram()),
    create: async (options, state) => {
      requireBuiltIn(options.loss, 'torch')
      const python = borrow(device, precision, options.threads)
      try {
        await python.ask({ type: 'create', options, state, kind: '' })
      } catch (error) {
        await python.close()
        throw error
      }
      return newTrainer(python)
    },
  }
}

/** Processes that no trainer uses, by what they were started with: loading PyTorch takes seconds. */
const idle = new Map<string, TorchProcess>()

/** A process for one trainer; closed between two requests it waits for the next trainer, else it is killed. */
function borrow(device: Device, precision: Precision, threads: number): TorchProcess {
  const kind = [pythonProgram(), device, precision, threads].join(' ')
  const waiting = idle.get(kind)
  idle.delete(kind)
  const python = waiting?.isIdle() ? waiting : startTorch(device, precision, threads)
  python.hold(true)
  let closed = false
  return {
    ...python,
    ask: (request, onProgress) =>
      closed ? Promise.reject(new Error('the trainer is closed')) : python.ask(request, onProgress),
    close: async () => {
      if (closed) return
      closed = true
      if (!python.isIdle() || idle.has(kind)) return python.close()
      python.hold(false)
      idle.set(kind, python)
    },
  }
}

/** `PyTorch 2.13.0+cpu (/opt/venv/bin/python)` */
function versionOf(program: string): Promise<string> {
  const args = ['-c', 'import torch; print(torch.__version__)']
  return new Promise(resolve => {
    execFile(program, args, { timeout: PROBE_MS }, (error, stdout) => {
      resolve(error ? program : `PyTorch ${stdout.trim()} (${program})`)
    })
  })
}

/** Told from the device files, so that a machine without a GPU does not wait for Python. */
function notHere(device: Device): string | undefined {
  if (device === 'cpu' || process.platform !== 'linux') return undefined
  if (device === 'xpu')
    return isIntelGpuHere() ? undefined : 'no Intel GPU here (/sys/class/drm/renderD*)'
  const files = ['/dev/nvidiactl', '/dev/kfd', '/dev/dxg']
  return files.some(file => existsSync(file))
    ? undefined
    : 'no NVIDIA or AMD GPU here (/dev/nvidiactl, /dev/kfd)'
}

function isIntelGpuHere(): boolean {
  const folder = '/sys/class/drm'
  if (!existsSync(folder)) return false
  const nodes = readdirSync(folder).filter(name => name.startsWith('renderD'))
  return nodes.some(name => readIfThere(join(folder, name, 'device/vendor'))?.trim() === '0x8086')
}

/** Why a device does not work; undefined for one that does. */
type Reasons = ReadonlyMap<string, string | undefined>

const probes = new Map<string, Promise<Reasons>>()

/** Ask a Python once in the life of this process. */
function probe(program: string): Promise<Reasons> {
  const known = probes.get(program)
  if (known) return known
  const asked = new Promise<Reasons>(resolve => {
    execFile(program, [SCRIPT, 'probe'], { timeout: PROBE_MS }, (error, stdout, stderr) => {
      resolve(error ? all(failed(program, error, stderr)) : parseProbe(program, stdout))
    })
  })
  probes.set(program, asked)
  return asked
}

function failed(program: string, error: Error & { code?: unknown }, stderr: string): string {
  if (error.code === 'ENOENT') return `no ${program} here; UPF_HEDS_PYTHON may name one`
  return `${program}: ${stderr.trim().split('\n').at(-1) || error.message.split('\n')[0]!}`
}

type ProbeAnswer =
  { readonly why: string } | { readonly devices: Readonly<Record<string, string | null>> }

function parseProbe(program: string, text: string): Reasons {
  let answer: ProbeAnswer
  try {
    answer = JSON.parse(text) as ProbeAnswer
  } catch {
    const shown = JSON.stringify(text.trim().slice(0, 80))
    return all(`${program}: ${shown} is no answer of serve.py`)
  }
  if ('why' in answer) return all(`${answer.why}; UPF_HEDS_PYTHON may name one that has`)
  return new Map(Object.entries(answer.devices).map(([name, why]) => [name, why ?? undefined]))
}

function all(why: string): Reasons {
  return new Map((['cuda', 'xpu', 'cpu'] as const).map(device => [device, why]))
}
