import { runId } from '../base/ids.js'
import {
  among,
  isCount,
  isFlag,
  isNumber,
  isObject,
  isText,
  list,
  maybe,
  shape,
  type Check,
  type Fields,
} from '../base/shape.js'
import { FATES } from '../experiment/fate.js'
import type { FromAgent, ToAgent } from './protocol.js'

/**
 * What each body must hold before anybody looks at it: a peer may be of another version, and an executor
 * may be written in any language. The types are those of protocol.ts.
 */
const isRun: Check = v => runId(v) !== undefined
const isPhase = among(['closed', 'staging', 'staged', 'open'])
const NAMED = { run: isRun, attempt: isCount }
const FATED = { fate: among(FATES), message: isText }
const areHeld = list(shape({ ...NAMED, slot: isCount }))

export const isProgress = shape({
  phase: among(['partition', 'train', 'score']),
  epoch: maybe(isCount),
  epochs: maybe(isCount),
  part: maybe(isNumber),
  loss: maybe(isNumber),
  valLoss: maybe(isNumber),
  rate: maybe(isNumber),
  epochSeconds: maybe(isNumber),
})

export const isFinish = shape({
  marker: isText,
  epochs: isCount,
  reason: isText,
  seconds: isNumber,
  durable: isFlag,
})

export const isFated = shape(FATED)
export const isNamed = shape(NAMED)

const HELLO = shape({
  protocol: isCount,
  rank: isCount,
  host: isText,
  node: isText,
  pid: isCount,
  slots: isCount,
})
const OURS = shape({ held: areHeld, phase: isPhase })

/** @param protocol ours: a `hello` of another one may hold other things, and is told so */
export function fromAgentChecks(protocol: number): Readonly<Record<FromAgent['type'], Check>> {
  return {
    hello: v => HELLO(v) && ((v as Fields)['protocol'] !== protocol || OURS(v)),
    staged: isObject,
    unstaged: isFated,
    ready: shape({ slot: isCount }),
    progress: shape({ ...NAMED, progress: isProgress }),
    done: shape({ ...NAMED, slot: isCount, finish: isFinish }),
    ended: shape({ ...NAMED, ...FATED, slot: isCount }),
    broken: isFated,
    beat: shape({
      health: shape({ lagP99: isNumber, lagMax: isNumber, rss: isNumber }),
      inventory: shape({ phase: isPhase, held: areHeld, idle: list(isCount) }),
    }),
    bye: isObject,
  }
}

export const TO_AGENT: Readonly<Record<ToAgent['type'], Check>> = {
  refused: shape({ message: isText }),
  unknown: isObject,
  welcome: shape({ keep: areHeld }),
  stage: isObject,
  open: isObject,
  run: shape({
    slot: isCount,
    order: shape({
      ...NAMED,
      params: isObject,
      origins: isObject,
      resolved: isObject,
      digest: isText,
      timeout: isNumber,
      patience: isNumber,
      memory: isNumber,
      monitor: maybe(isNumber),
    }),
  }),
  withdraw: isNamed,
  cancel: isNamed,
  ack: isNamed,
  beat: isObject,
  stop: shape({ fate: among(['stopped', 'walltime']) }),
  bye: shape({ again: isFlag }),
}
