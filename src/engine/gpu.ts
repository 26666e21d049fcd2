import { execFile } from 'node:child_process'

/** What the GPUs of this process do: those of CUDA_VISIBLE_DEVICES, else all. */
export interface GpuLoad {
  /** Mean of the devices. */
  readonly percent: number
  /** Used, all devices together. */
  readonly mb: number
}

const QUERY = ['--query-gpu=utilization.gpu,memory.used', '--format=csv,noheader,nounits']
/** ms; a driver that hangs must not hold up what is known without it. */
const LIMIT = 5000

/** Programs that are not on this machine. */
const missing = new Set<string>()

/** @returns undefined where nobody tells: no NVIDIA driver */
export async function gpuLoad(program = 'nvidia-smi'): Promise<GpuLoad | undefined> {
  if (missing.has(program)) return undefined
  const own = process.env['CUDA_VISIBLE_DEVICES'] ?? ''
  const args = /^[\w,-]+$/.test(own) ? [...QUERY, '-i', own] : QUERY
  const text = await new Promise<string>(resolve =>
    execFile(program, args, { timeout: LIMIT }, (error, stdout) => {
      if (error?.code === 'ENOENT') missing.add(program)
      resolve(error ? '' : stdout)
    }),
  )
  return parseLoad(text)
}

/** Lines of `97, 4096`; a driver says `[N/A]` for what it does not know. */
export function parseLoad(text: string): GpuLoad | undefined {
  const devices = text
    .split('\n')
    .map(line => line.split(',').map(field => Number(field.trim())))
    .filter(fields => fields.length === 2 && fields.every(Number.isFinite))
  if (devices.length === 0) return undefined
  const total = (column: 0 | 1) => devices.reduce((all, fields) => all + fields[column]!, 0)
  return { percent: Math.round(total(0) / devices.length), mb: Math.round(total(1)) }
}
