import type { Settings } from '../experiment/exp.js'
import type { Place } from './detect.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Each holds the devices that a process may use, with commas between them. */
const LISTS = ['CUDA_VISIBLE_DEVICES', 'ROCR_VISIBLE_DEVICES'] as const

/**
 * A worker's place among the workers of its node, from 0. The leader, which is rank 0 and computes nothing,
 * takes none.
 * @param place undefined: a launcher of ours, on this machine alone
 */
export function tileOf(rank: number, place: Place | undefined): number {
  const local = place?.local ?? rank
  // ranks of a node follow each other: is rank 0 one of these?
  return Math.max(0, rank === local ? local - 1 : local)
}

export interface OwnRank {
  readonly rank: number
  /** Of its first executor. */
  readonly tile: number
  readonly slots: number
}

/**
 * With `--ranks node`: what serves the places of a node in a job of PROCS, the first of all being the leader's.
 * @param node from 0; its agent is rank `node + 1`
 */
export function ranksOfNode(node: number, { PROCS, PPN }: Settings): OwnRank[] {
  const places = Math.min(PPN, PROCS - node * PPN)
  const agent = { rank: node + 1, tile: 0, slots: node === 0 ? places - 1 : places }
  const leader = node === 0 ? [{ rank: 0, tile: 0, slots: 0 }] : []
  return [...leader, ...(agent.slots > 0 ? [agent] : [])]
}

/** What serves a job whose only node is this machine, however many PPN says. */
export function ranksHere(settings: Settings): OwnRank[] {
  const { PROCS, RANKS } = settings
  if (RANKS === 'node') return ranksOfNode(0, { ...settings, PPN: PROCS })
  return Array.from({ length: PROCS }, (_, rank) => ({
    ...{ rank, tile: tileOf(rank, undefined) },
    slots: rank === 0 ? 0 : 1,
  }))
}

/**
 * What makes an executor use its tile and no other. Where there are more workers than tiles, they share.
 * @param tiles `VARIABLE=a,b,…` of the site; without it the devices that are named in `env` are shared out
 */
export function tileEnvironment(tiles: string, tile: number, env: Environment): Environment {
  const pick = (devices: string) => {
    const all = devices.split(',')
    return all[tile % all.length]
  }
  const named = LISTS.filter(name => (env[name] ?? '') !== '')
  const [variable, devices] = tiles.split('=')
  // a launcher or scheduler that has given this job devices of the same kind knows better which
  if (variable && devices !== undefined && !named.some(name => name === variable))
    return { ...levelZero(variable, devices), [variable]: pick(devices) }
  return Object.fromEntries(named.map(name => [name, pick(env[name]!)]))
}

/** `0.1` is the second tile of the first GPU only where Level Zero counts so. */
function levelZero(variable: string, devices: string): Environment {
  if (variable !== 'ZE_AFFINITY_MASK') return {}
  return {
    ZE_FLAT_DEVICE_HIERARCHY: devices.includes('.') ? 'COMPOSITE' : 'FLAT',
    ZE_ENABLE_PCI_ID_DEVICE_ORDER: '1',
  }
}
