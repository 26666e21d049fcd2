import { readFile } from 'node:fs/promises'

/** What Linux tells of memory; elsewhere nothing is known and nothing is judged. */

/** MB that a process uses, its children aside; 0 if it is gone or nothing is told. */
export async function memoryOf(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024
}

/** How often the kernel has killed in our cgroup for want of memory; 0 where it does not tell. */
export async function killsForMemory(): Promise<number> {
  const groups = await readFile('/proc/self/cgroup', 'utf8').catch(() => '')
  const own = /^0::(\/.*)$/m.exec(groups)?.[1]
  if (own === undefined) return 0
  const events = await readFile(`/sys/fs/cgroup${own}/memory.events`, 'utf8').catch(() => '')
  return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0)
}
