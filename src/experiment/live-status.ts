import { connect } from 'node:net'
import { hostname } from 'node:os'
import { readIfThere } from '../base/files.js'
import { isAlive, type ProcessIdentity } from '../base/process.js'
import type { RunId } from '../base/ids.js'
import * as layout from './layout.js'
import type { Progress } from './workflow.js'

/** How a running sweep stands, as its leader tells. */
export interface LiveStatus {
  readonly exp: string
  /** Seconds since the leader began. */
  readonly seconds: number
  /** RUNs that were finished when it began. */
  readonly carried: number
  readonly counts: Readonly<Record<'waiting' | 'running' | 'finished' | 'failed', number>>
  /** RUNs that were ever given out. */
  readonly begun: number
  readonly ranks: readonly RankStatus[]
  readonly running: readonly LiveRun[]
  /** The leader's own event loop: lag in ms since it began. */
  readonly lagP99: number
  readonly lagMax: number
  /** Messages dropped: of strangers, and to peers that had gone. */
  readonly strangers: number
  readonly stopping: string | null
}

export interface RankStatus {
  readonly rank: number
  readonly host: string
  readonly slots: number
  /** Share of its slots' time since it came that RUNs were in their hands, 0 … 1. */
  readonly utilisation: number
  /** Seconds that its slots had nothing to do, all together. */
  readonly idle: number
  readonly state: 'serving' | 'suspect' | 'quarantined' | 'opening'
  readonly lagP99: number | null
  readonly lagMax: number | null
  /** Bytes of the agent. */
  readonly rss: number | null
}

export interface LiveRun {
  readonly run: RunId
  readonly rank: number
  readonly attempt: number
  /** Since it was given out. */
  readonly seconds: number
  readonly progress: Progress | null
}

/**
 * Ask the leader of an EXP.
 * @returns undefined where there is none, or it runs on another host
 */
export async function readLiveStatus(exp: string): Promise<LiveStatus | undefined> {
  let path: string
  try {
    const text = readIfThere(layout.rendezvous(exp))
    if (text === undefined) return undefined
    const { status } = JSON.parse(text) as { status?: { host: string; path: string } }
    if (!status || status.host !== hostname() || status.path === '') return undefined
    ;({ path } = status)
  } catch {
    return undefined // not ours to read, or damaged
  }
  return new Promise(resolve => {
    const socket = connect(path)
    const parts: Buffer[] = []
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('data', part => parts.push(part))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      try {
        resolve(JSON.parse(Buffer.concat(parts).toString()) as LiveStatus)
      } catch {
        resolve(undefined)
      }
    })
  })
}

/** Who leads an EXP, as its lock tells. */
export interface LeaderSign {
  readonly host: string
  readonly pid: number
  /** It is raised as long as the leader lives. */
  readonly counter: number
  /** Undefined where it runs on another host: then only the counter tells. */
  readonly isAlive: boolean | undefined
}

/** @returns undefined if nobody leads */
export function readLeaderSign(exp: string): LeaderSign | undefined {
  try {
    const text = readIfThere(layout.lockHolder(exp))
    if (text === undefined) return undefined
    const holder = JSON.parse(text) as ProcessIdentity & { host: string; counter: number }
    const { host, pid, counter } = holder
    return { host, pid, counter, isAlive: host === hostname() ? isAlive(holder) : undefined }
  } catch {
    return undefined // not ours to read, or being written
  }
}
