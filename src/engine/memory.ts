import { readdir, readFile } from 'node:fs/promises'

/** What Linux tells of memory; elsewhere nothing is known and nothing is judged. */

/** MB that processes use together, memory they share counted for each; 0 if they are gone or nothing is told. */
export async function memoryOf(pids: readonly number[]): Promise<number> {
  return sum(pids, async pid => {
    const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024
  })
}

/** MB of a process with all that it started, such as the Python of a backend. */
export async function memoryUsed(pid: number): Promise<number> {
  return memoryOf(await processTree(pid))
}

/** A process and its descendants; itself alone where nothing is told. */
export async function processTree(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(
    threads.map(id => readFile(`/proc/${pid}/task/${id}/children`, 'utf8').catch(() => '')),
  )
  const children = lists.flatMap(text => text.split(' ').filter(Boolean).map(Number))
  return [pid, ...(await Promise.all(children.map(processTree))).flat()]
}

export async function sum(
  pids: readonly number[],
  of: (pid: number) => Promise<number>,
): Promise<number> {
  return (await Promise.all(pids.map(of))).reduce((a, b) => a + b, 0)
}

/** How often the kernel has killed in our cgroup for want of memory; 0 where it does not tell. */
export async function killsForMemory(): Promise<number> {
  const groups = await readFile('/proc/self/cgroup', 'utf8').catch(() => '')
  const own = /^0::(\/.*)$/m.exec(groups)?.[1]
  if (own === undefined) return 0
  const events = await readFile(`/sys/fs/cgroup${own}/memory.events`, 'utf8').catch(() => '')
  return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0)
}
