import type { RunId } from '../base/ids.js'
import { isCount, isObject, type Check } from '../base/shape.js'
import type { Params, Progress } from '../experiment/workflow.js'
import type { Fate } from '../experiment/fate.js'
import type { Finish } from '../experiment/journal.js'
import { fromAgentChecks, TO_AGENT } from './bodies.js'

/** Raise it with any change of a message: `hello` with another number is refused, naming both. */
export const PROTOCOL = 3

/** Frames beyond this are dropped: the largest honest message is a RUN's parameters. */
export const MAX_FRAME = 16 * 1024 * 1024

/** In every frame, so that one of another sweep or another life is recognised. */
export interface Envelope {
  /** Id of the EXP (exp.json). */
  readonly exp: string
  /** Epoch of the leader, as in the rendezvous file. */
  readonly epoch: number
  /** Drawn anew at each start of an agent. */
  readonly nonce: string
}

/** What is said at one moment to one peer travels together: a frame costs more than a body. */
export type Frame<Body> = Envelope & { readonly bodies: readonly Body[] }

/** How an agent is doing. Loop lag in ms, since the last beat; memory in bytes. */
export interface Health {
  readonly lagP99: number
  readonly lagMax: number
  readonly rss: number
}

/** A RUN in an agent's hands: running, or waiting behind the one that runs. */
export interface Held {
  readonly slot: number
  readonly run: RunId
  readonly attempt: number
}

/**
 * What an agent has, said with each beat. Messages may be lost with a connection; the leader compares
 * and says again what did not arrive.
 */
export interface Inventory {
  readonly phase: Phase
  readonly held: readonly Held[]
  /** Slots that could take a RUN at once. */
  readonly idle: readonly number[]
}

/** `closed`: told nothing yet · `staging` · `staged`: not told to open · `open` */
export type Phase = 'closed' | 'staging' | 'staged' | 'open'

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
      /** Not empty where the agent outlived a leader. */
      readonly held: readonly Held[]
      readonly phase: Phase
    }
  | { readonly type: 'staged' }
  | { readonly type: 'unstaged'; readonly fate: Fate; readonly message: string }
  /** The slot has nothing to do. */
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
  | { readonly type: 'beat'; readonly health: Health; readonly inventory: Inventory }
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
  /** Seconds without any progress after which it is hung. */
  readonly patience: number
  /** MB that the executor may use; -1: no limit. */
  readonly memory: number
  /** Seconds between two lines of perf.csv; absent: none. */
  readonly monitor?: number
}

/** Leader → agent. */
export type ToAgent =
  | { readonly type: 'refused'; readonly message: string }
  /** Its lease was over, or its `hello` is still on its way: it begins anew. */
  | { readonly type: 'unknown' }
  /** Answer to `hello`: what the agent holds and shall go on with; the rest is no longer its own. */
  | { readonly type: 'welcome'; readonly keep: readonly Held[] }
  | { readonly type: 'stage' }
  | { readonly type: 'open' }
  | { readonly type: 'run'; readonly slot: number; readonly order: Order }
  /** Give it back if it has not begun. */
  | { readonly type: 'withdraw'; readonly run: RunId; readonly attempt: number }
  | { readonly type: 'cancel'; readonly run: RunId; readonly attempt: number }
  | { readonly type: 'ack'; readonly run: RunId; readonly attempt: number }
  | { readonly type: 'beat' }
  | { readonly type: 'stop'; readonly fate: 'stopped' | 'walltime' }
  /** `again`: it could not serve; another life may do better. */
  | { readonly type: 'bye'; readonly again: boolean }

const FROM_AGENT = fromAgentChecks(PROTOCOL)

/**
 * One frame → what an agent says. What is none of ours is dropped, never thrown: the leader trusts no field,
 * an agent of another version may hold the key.
 * @returns undefined if nothing good is in it; a body that is wrong goes alone
 */
export function parseFromAgent(frame: Uint8Array): Frame<FromAgent> | undefined {
  return parse(frame, FROM_AGENT)
}

/** One frame → what the leader says. Same rules. */
export function parseToAgent(frame: Uint8Array): Frame<ToAgent> | undefined {
  return parse(frame, TO_AGENT)
}

/** One frame. */
export function encode(envelope: Envelope, bodies: readonly (FromAgent | ToAgent)[]): string {
  return `${encodeHead(envelope)}${JSON.stringify(bodies)}}`
}

/** All frames to one peer begin alike; `[body,body]}` follows. */
export function encodeHead({ exp, epoch, nonce }: Envelope): string {
  return `${JSON.stringify({ exp, epoch, nonce }).slice(0, -1)},"bodies":`
}

function parse<Body>(
  frame: Uint8Array,
  checks: Readonly<Record<string, Check>>,
): Frame<Body> | undefined {
  if (frame.length > MAX_FRAME) return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString())
  } catch {
    return undefined
  }
  if (!isObject(value)) return undefined
  const { exp, epoch, nonce, bodies } = value
  if (typeof exp !== 'string' || !isCount(epoch) || typeof nonce !== 'string') return undefined
  if (!Array.isArray(bodies)) return undefined
  const good = bodies.filter((body: unknown) => {
    const type = isObject(body) ? body['type'] : undefined
    return typeof type === 'string' && Object.hasOwn(checks, type) && checks[type]!(body)
  })
  if (good.length === 0 && bodies.length > 0) return undefined
  return { exp, epoch: epoch as number, nonce, bodies: good as Body[] }
}
