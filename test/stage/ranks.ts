import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { BIN } from '../e2e/sweep.js'

export interface RankEnd {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Ranks {
  readonly children: readonly ChildProcess[]
  readonly ended: Promise<RankEnd[]>
}

/** `upf-heds stage` as so many hosts of one machine would run it: each stages to a folder `n0`, `n1`, … of its own. */
export function stageRanks(
  cwd: string,
  paths: readonly string[],
  count: number,
  more: { readonly args?: readonly string[]; readonly to?: (rank: number) => string } = {},
): Ranks {
  const children = Array.from({ length: count }, (_, rank) => {
    const to = more.to?.(rank) ?? join(cwd, `n${rank}`)
    const place = ['--rank', `${rank}`, '--size', `${count}`, '--host', `host-${rank}`]
    const meet = ['--rendezvous', join(cwd, 'meet.json'), '--wait', '60', ...(more.args ?? [])]
    const args = [BIN, 'stage', ...paths, to, ...place, ...meet]
    return spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  })
  const ended = children.map(
    child =>
      new Promise<RankEnd>(resolve => {
        let stdout = ''
        let stderr = ''
        child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
        child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
        child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }))
      }),
  )
  return { children, ended: Promise.all(ended) }
}

/** What the first rank says with --json. */
export interface Told {
  readonly bytes: number
  readonly read: number
  readonly sent: number
  readonly nodes: number
  readonly lacking: readonly { readonly name: string; readonly state: string }[]
}

export async function staged(
  cwd: string,
  paths: readonly string[],
  count: number,
): Promise<{ told: Told; ends: RankEnd[] }> {
  const ends = await stageRanks(cwd, paths, count, { args: ['--json'] }).ended
  return { told: JSON.parse(ends[0]!.stdout) as Told, ends }
}
