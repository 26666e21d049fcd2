import { runId, type RunId } from '../base/ids.js'
import type { Params, Progress } from '../experiment/workflow.js'
import { FATES, type Fate } from './fates.js'

/** Raise it with any change of a message: `hello` with another number is refused, naming both. */
export const PROTOCOL = 1

/** Frames beyond this are dropped: the largest honest message is a RUN's parameters. */
export const MAX_FRAME = 16 * 1024 * 1024

/** In every message, so that one of another sweep or another life is recognised. */
export interface Envelope {
  /** Id of the EXP (exp.json). */
  readonly exp: string
  /** Epoch of the leader, as in the rendezvous file. */
  readonly epoch: number
  /** Drawn anew at each start of an agent. */
  readonly nonce: string
}

/** What an executor says of a finished RUN: the leader journals the marker's digest. */
export interface Finish {
  /** sha256 of stop.marker. */
  readonly marker: string
  readonly epochs: number
  readonly reason: string
}

/** How an agent is doing. Loop lag in ms, since the last beat; memory in bytes. */
export interface Health {
  readonly lagP99: number
  readonly lagMax: number
  readonly rss: number
}

/** Agent → leader. `attempt` grows each time a RUN is given out, so a late answer is recognised. */
export type FromAgent =
  | {
      readonly type: 'hello'
      readonly protocol: number
      readonly rank: number
      readonly host: string
      readonly node: string
      readonly pid: number
      readonly slots: number
    }
  | { readonly type: 'staged' }
  | { readonly type: 'unstaged'; readonly fate: Fate; readonly message: string }
  | { readonly type: 'ready'; readonly slot: number }
  | {
      readonly type: 'progress'
      readonly run: RunId
      readonly attempt: number
      readonly progress: Progress
    }
  | {
      readonly type: 'done'
      readonly slot: number
      readonly run: RunId
      readonly attempt: number
      readonly finish: Finish
    }
  | {
      readonly type: 'ended'
      readonly slot: number
      readonly run: RunId
      readonly attempt: number
      readonly fate: Fate
      readonly message: string
    }
  | { readonly type: 'broken'; readonly fate: Fate; readonly message: string }
  | { readonly type: 'beat'; readonly health: Health }
  | { readonly type: 'bye' }

/** A RUN as it is given out. */
export interface Order {
  readonly run: RunId
  readonly attempt: number
  readonly params: Params
  readonly origins: Readonly<Record<string, string>>
  readonly resolved: Params
  /** What the marker must say. */
  readonly digest: string
  /** Seconds for this attempt; -1: no limit. */
  readonly timeout: number
}

/** Leader → agent. */
export type ToAgent =
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'stage' }
  | { readonly type: 'open' }
  | { readonly type: 'run'; readonly slot: number; readonly order: Order }
  | { readonly type: 'cancel'; readonly run: RunId; readonly attempt: number }
  | { readonly type: 'ack'; readonly run: RunId; readonly attempt: number }
  | { readonly type: 'beat' }
  | { readonly type: 'stop'; readonly fate: 'stopped' | 'walltime' }
  /** `again`: it could not serve; another life may do better. */
  | { readonly type: 'bye'; readonly again: boolean }

export type Message<Body> = Envelope & { readonly body: Body }

/** One frame → message of an agent. @returns undefined for anything else: dropped and counted, never thrown */
export function parseFromAgent(frame: Uint8Array): Message<FromAgent> | undefined {
  return parse(frame, body => checkFromAgent(body) as FromAgent | undefined)
}

/** One frame → message of the leader. Same rules. */
export function parseToAgent(frame: Uint8Array): Message<ToAgent> | undefined {
  return parse(frame, body =>
    typeof body['type'] === 'string' ? (body as unknown as ToAgent) : undefined,
  )
}

export function encode(envelope: Envelope, body: FromAgent | ToAgent): string {
  return JSON.stringify({ ...envelope, body })
}

type Fields = Record<string, unknown>

function parse<Body>(
  frame: Uint8Array,
  check: (body: Fields) => Body | undefined,
): Message<Body> | undefined {
  if (frame.length > MAX_FRAME) return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString())
  } catch {
    return undefined
  }
  if (!isObject(value) || !isObject(value['body'])) return undefined
  const { exp, epoch, nonce } = value
  if (typeof exp !== 'string' || !isCount(epoch) || typeof nonce !== 'string') return undefined
  const body = check(value['body'])
  return body && { exp, epoch, nonce, body }
}

/** The leader trusts no field: an agent of another version may hold the key. */
function checkFromAgent(body: Fields): unknown {
  const { type, slot, run, attempt, fate, message } = body
  const text = typeof message === 'string'
  const named = runId(run) !== undefined && isCount(attempt)
  const fated = FATES.includes(fate as Fate)
  switch (type) {
    case 'hello':
      return isCount(body['protocol']) &&
        isCount(body['rank']) &&
        isCount(body['slots']) &&
        isCount(body['pid']) &&
        typeof body['host'] === 'string' &&
        typeof body['node'] === 'string'
        ? body
        : undefined
    case 'staged':
    case 'bye':
      return body
    case 'unstaged':
    case 'broken':
      return fated && text ? body : undefined
    case 'ready':
      return isCount(slot) ? body : undefined
    case 'progress':
      return named && isObject(body['progress']) ? body : undefined
    case 'done':
      return named &&
        isCount(slot) &&
        isObject(body['finish']) &&
        typeof body['finish']['marker'] === 'string'
        ? body
        : undefined
    case 'ended':
      return named && isCount(slot) && fated && text ? body : undefined
    case 'beat':
      return isObject(body['health']) ? body : undefined
    default:
      return undefined
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
