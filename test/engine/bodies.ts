import fc from 'fast-check'
import { runId, type RunId } from '../../src/base/ids.js'
import { FATES } from '../../src/experiment/fate.js'
import {
  PROTOCOL,
  type Envelope,
  type FromAgent,
  type Order,
  type ToAgent,
} from '../../src/engine/protocol.js'
import type { Progress } from '../../src/experiment/workflow.js'

// All that the tests know of the messages' bodies: how honest ones are made, and what their types promise.

const count = fc.nat()
export const text = fc.string({ unit: 'binary', maxLength: 40 })
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map(n => n + 0) // JSON has no -0
export const run = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/).map(id => id as RunId)
export const fate = fc.constantFrom(...FATES)
const params = fc
  .dictionary(fc.stringMatching(/^[a-z][a-z_]{0,8}$/), fc.jsonValue({ maxDepth: 2 }), {
    maxKeys: 4,
  })
  .map(value => JSON.parse(JSON.stringify(value)) as Order['params'])
const names = fc
  .dictionary(fc.stringMatching(/^[a-z]{1,8}$/), text, { maxKeys: 4 })
  .map(value => JSON.parse(JSON.stringify(value)) as Order['origins'])
const progress = fc.record(
  {
    phase: fc.constantFrom('partition', 'train', 'score'),
    epoch: count,
    epochs: count,
    part: number,
    loss: number,
    valLoss: number,
    rate: number,
    epochSeconds: number,
  },
  { requiredKeys: ['phase'] },
) as fc.Arbitrary<Progress>
export const finish = fc.record({
  marker: fc.stringMatching(/^[0-9a-f]{64}$/),
  epochs: count,
  reason: fc.constantFrom('completed', 'early stopping'),
  seconds: number,
  durable: fc.boolean(),
})
const phase = fc.constantFrom('closed', 'staging', 'staged', 'open')
const held = fc.array(fc.record({ slot: count, run, attempt: count }), { maxLength: 3 })
const order: fc.Arbitrary<Order> = fc.record({
  run,
  attempt: count,
  params,
  origins: names,
  resolved: params,
  digest: text,
  timeout: fc.oneof(fc.constant(-1), count),
  patience: count,
  memory: fc.oneof(fc.constant(-1), count),
})

export const is = <T extends string>(type: T) => fc.constant(type)
export const fromAgent: fc.Arbitrary<FromAgent> = fc.oneof(
  fc.record({
    type: is('hello'),
    protocol: fc.oneof(fc.constant(PROTOCOL), count),
    rank: count,
    host: text,
    node: text,
    pid: count,
    slots: count,
    held,
    phase,
  }),
  fc.record({ type: is('staged') }),
  fc.record({ type: is('unstaged'), fate, message: text }),
  fc.record({ type: is('ready'), slot: count }),
  fc.record({ type: is('progress'), run, attempt: count, progress }),
  fc.record({ type: is('done'), slot: count, run, attempt: count, finish }),
  fc.record({ type: is('ended'), slot: count, run, attempt: count, fate, message: text }),
  fc.record({ type: is('broken'), fate, message: text }),
  fc.record({
    type: is('beat'),
    health: fc.record({ lagP99: number, lagMax: number, rss: count }),
    inventory: fc.record({ phase, held, idle: fc.array(count, { maxLength: 3 }) }),
  }),
  fc.record({ type: is('bye') }),
)
export const toAgent: fc.Arbitrary<ToAgent> = fc.oneof(
  fc.record({ type: is('refused'), message: text }),
  fc.record({ type: is('welcome'), keep: held }),
  fc.record({ type: is('stage') }),
  fc.record({ type: is('open') }),
  fc.record({ type: is('run'), slot: count, order }),
  fc.record({ type: is('withdraw'), run, attempt: count }),
  fc.record({ type: is('cancel'), run, attempt: count }),
  fc.record({ type: is('ack'), run, attempt: count }),
  fc.record({ type: is('beat') }),
  fc.record({ type: is('unknown') }),
  fc.record({ type: is('stop'), fate: fc.constantFrom('stopped', 'walltime') }),
  fc.record({ type: is('bye'), again: fc.boolean() }),
)
export const envelope: fc.Arbitrary<Envelope> = fc.record({ exp: text, epoch: count, nonce: text })

/** Has the value this type? */
export type Check = (value: unknown) => boolean

export const isText: Check = v => typeof v === 'string'
const isFlag: Check = v => typeof v === 'boolean'
const isNumber: Check = v => typeof v === 'number' && Number.isFinite(v)
export const isCount: Check = v => Number.isSafeInteger(v) && (v as number) >= 0
export const isObject: Check = v => typeof v === 'object' && v !== null && !Array.isArray(v)
const isRun: Check = v => runId(v) !== undefined
const among =
  (...all: readonly string[]): Check =>
  v =>
    typeof v === 'string' && all.includes(v)
const maybe =
  (check: Check): Check =>
  v =>
    v === undefined || check(v)
export const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  v =>
    isObject(v) &&
    Object.entries(fields).every(([name, check]) => check((v as Record<string, unknown>)[name]))

const list =
  (check: Check): Check =>
  v =>
    Array.isArray(v) && v.every(check)

const NAMED = { run: isRun, attempt: isCount }
const FATED = { fate: among(...FATES), message: isText }

const isPhase = among('closed', 'staging', 'staged', 'open')
const areHeld = list(shape({ ...NAMED, slot: isCount }))
const FINISH = {
  marker: isText,
  epochs: isCount,
  reason: isText,
  seconds: isNumber,
  durable: isFlag,
}
const INVENTORY = { phase: isPhase, held: areHeld, idle: list(isCount) }

const HELLO = {
  protocol: isCount,
  rank: isCount,
  host: isText,
  node: isText,
  pid: isCount,
  slots: isCount,
}
const OURS = { held: areHeld, phase: isPhase }

/** What the leader uses as a key or in a decision. */
export const FROM_AGENT: Readonly<Record<FromAgent['type'], Check>> = {
  // one of another protocol is told so, whatever else it says
  hello: v =>
    shape(HELLO)(v) && ((v as { protocol: number }).protocol !== PROTOCOL || shape(OURS)(v)),
  staged: shape({}),
  unstaged: shape(FATED),
  ready: shape({ slot: isCount }),
  progress: shape({ ...NAMED, progress: isObject }),
  done: shape({ ...NAMED, slot: isCount, finish: shape(FINISH) }),
  ended: shape({ ...NAMED, ...FATED, slot: isCount }),
  broken: shape(FATED),
  beat: shape({ health: isObject, inventory: shape(INVENTORY) }),
  bye: shape({}),
}

/** All that the types say, also of what is only shown or journalled. */
export const ALL_FROM_AGENT: typeof FROM_AGENT = {
  ...FROM_AGENT,
  progress: shape({
    ...NAMED,
    progress: shape({
      phase: among('partition', 'train', 'score'),
      epoch: maybe(isCount),
      epochs: maybe(isCount),
      part: maybe(isNumber),
      loss: maybe(isNumber),
      valLoss: maybe(isNumber),
      rate: maybe(isNumber),
      epochSeconds: maybe(isNumber),
    }),
  }),
  beat: shape({
    health: shape({ lagP99: isNumber, lagMax: isNumber, rss: isNumber }),
    inventory: shape(INVENTORY),
  }),
}

/** All that the types say of what an agent is told. */
export const TO_AGENT: Readonly<Record<ToAgent['type'], Check>> = {
  refused: shape({ message: isText }),
  welcome: shape({ keep: areHeld }),
  stage: shape({}),
  open: shape({}),
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
    }),
  }),
  withdraw: shape(NAMED),
  cancel: shape(NAMED),
  ack: shape(NAMED),
  beat: shape({}),
  unknown: shape({}),
  stop: shape({ fate: among('stopped', 'walltime') }),
  bye: shape({ again: isFlag }),
}
