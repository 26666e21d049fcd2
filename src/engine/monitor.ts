import { open, readFile } from 'node:fs/promises'
import * as layout from '../experiment/layout.js'
import { clock } from '../base/log.js'
import { gpuLoad } from './gpu.js'
import { memoryOf, processTree, sum } from './memory.js'
import type { Order } from './protocol.js'

/**
 * perf.csv of RUNs with `monitor: SECONDS`: what the executor and the processes it started use.
 * One line a look; a RUN that is shorter has none. What Linux or the GPU does not tell is left empty.
 */
const HEADER = 'time,attempt,seconds,cpu_percent,rss_mb,gpu_percent,gpu_mb\n'

export interface Monitors {
  /** Follow what the slot runs now, and nothing else of it. To be called where that may have changed. */
  follow(slot: number): void
  stop(): void
}

/** @param orderOf what a slot runs @param pidOf its executor */
export function newMonitors(
  exp: string,
  orderOf: (slot: number) => Order | undefined,
  pidOf: (slot: number) => number | undefined,
): Monitors {
  const running = new Map<number, { readonly order: Order; readonly stop: () => void }>()
  const end = (slot: number) => {
    running.get(slot)?.stop()
    running.delete(slot)
  }
  return {
    follow: slot => {
      const order = orderOf(slot)
      if (running.size === 0 && order?.monitor === undefined) return
      if (running.get(slot)?.order === order) return
      end(slot)
      if (order?.monitor !== undefined)
        running.set(slot, { order, stop: monitor(exp, order, order.monitor, () => pidOf(slot)) })
    },
    stop: () => [...running.keys()].forEach(end),
  }
}

/** @returns a function that ends it */
function monitor(
  exp: string,
  { run, attempt }: Order,
  seconds: number,
  pidOf: () => number | undefined,
): () => void {
  const begun = performance.now()
  let before: { readonly at: number; readonly cpu: number } | undefined
  let timer: NodeJS.Timeout
  let ended = false
  // one look after the other: on a disk that stands still they must not pile up
  const look = async () => {
    const at = performance.now()
    const pid = pidOf()
    if (pid === undefined) return
    const pids = await processTree(pid)
    const [cpu, rss, gpu] = await Promise.all([sum(pids, cpuSeconds), memoryOf(pids), gpuLoad()])
    const share = before && (Math.max(0, cpu - before.cpu) / (at - before.at)) * 1e5
    before = { at, cpu }
    if (share === undefined || rss === 0 || ended) return
    const numbers = [(at - begun) / 1000, share, rss].map(x => x.toFixed(1))
    const fields = [clock(new Date()), attempt, ...numbers, gpu?.percent ?? '', gpu?.mb ?? '']
    await append(layout.performance(exp, run), `${fields.join(',')}\n`)
  }
  const next = () => {
    void look()
      .catch(() => undefined) // its folder is not there yet, or the disk is full: the RUN matters more
      .finally(() => {
        if (!ended) timer = setTimeout(next, seconds * 1000)
      })
  }
  timer = setTimeout(next, 0)
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

async function append(path: string, line: string): Promise<void> {
  const file = await open(path, 'a')
  try {
    const { size } = await file.stat()
    await file.appendFile(size === 0 ? HEADER + line : line)
  } finally {
    await file.close()
  }
}

/** Clock ticks a second in /proc: the same on every Linux that Node runs on. */
const TICKS = 100

/** Seconds of processor of a process so far, those of children that have ended included. */
async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // the name in brackets may hold anything; utime, stime, cutime and cstime are fields 14 to 17
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((all, field) => all + Number(field), 0) / TICKS
}
