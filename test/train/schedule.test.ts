import { readFileSync } from 'node:fs'
import t from 'tap'
import { isOver, NEW_STOPPING, watch } from '../../src/train/early-stopping.js'
import type { WarmUp } from '../../src/train/options.js'
import {
  beginEpoch,
  endEpoch,
  newSchedule,
  type ScheduleOptions,
} from '../../src/train/schedule.js'

interface Oracle {
  val_loss: number[]
  max_lr: number
  warmup_epochs: number
  reduce_lr_patience: number
  reduce_lr_factor: number
  learning_rate: Record<string, number[]>
}
const oracle = JSON.parse(readFileSync('test/fixtures/oracles/schedule.json', 'utf8')) as Oracle

const options = (warmUp: WarmUp): ScheduleOptions => ({
  maxRate: oracle.max_lr,
  warmUp,
  warmUpEpochs: oracle.warmup_epochs,
  patience: oracle.reduce_lr_patience,
  factor: oracle.reduce_lr_factor,
})

/** The rate of each epoch, given the val_loss of each. */
function rates(o: ScheduleOptions, valLosses: readonly number[]): number[] {
  let state = newSchedule(o)
  return valLosses.map((valLoss, epoch) => {
    state = beginEpoch(o, state, epoch)
    const { rate } = state
    // what a checkpoint does to it
    state = JSON.parse(JSON.stringify(endEpoch(o, state, valLoss))) as typeof state
    return rate
  })
}

function worst(found: readonly number[], wanted: readonly number[]): number {
  return Math.max(...wanted.map((w, i) => Math.abs(found[i]! - w) / w))
}

t.test(
  'warm-up and plateau give the rates of the oracle, also through JSON after each epoch',
  t => {
    for (const warmUp of ['none', 'linear', 'quadratic', 'exponential'] as const) {
      const found = rates(options(warmUp), oracle.val_loss)
      const wanted = oracle.learning_rate[warmUp]!
      t.equal(found.length, wanted.length)
      t.ok(worst(found, wanted) < 1e-8, `${warmUp}: ${worst(found, wanted)}`)
    }
    t.same(rates(options('constant'), oracle.val_loss), rates(options('none'), oracle.val_loss))
    t.end()
  },
)

t.test('an improvement below 1e-4 does not keep the rate up', t => {
  const o: ScheduleOptions = { ...options('none'), warmUpEpochs: 0, patience: 2 }
  t.same(
    rates(o, [0.02, 0.01995, 0.01992, 0.01, 0.01]).map(r => r / o.maxRate),
    [1, 1, 1, 0.5, 0.5],
  )
  t.same(
    rates(o, [0.02, 0.0198, 0.0196, 0.0194]).map(r => r / o.maxRate),
    [1, 1, 1, 1],
    'a larger one does',
  )
  t.end()
})

t.test('the rate falls to max / 10000 and no further', t => {
  const o: ScheduleOptions = { ...options('none'), warmUpEpochs: 0, patience: 1, factor: 0.01 }
  const found = rates(o, [0.5, 0.5, 0.5, 0.5, 0.5]).map(r => r / o.maxRate)
  t.ok(worst(found, [1, 1, 0.01, 0.0001, 0.0001]) < 1e-12, found.join())
  t.end()
})

t.test('a warm-up of 0 epochs starts at the full rate', t => {
  for (const warmUp of ['linear', 'quadratic', 'exponential'] as const) {
    const [first] = rates({ ...options(warmUp), warmUpEpochs: 0 }, [1])
    t.ok(Math.abs(first! / oracle.max_lr - 1) < 1e-12, `${warmUp}: ${first}`)
  }
  t.end()
})

t.test('training is over when patience epochs in a row brought no better val_loss', t => {
  let state = NEW_STOPPING
  const over: boolean[] = []
  for (const [i, valLoss] of [0.5, 0.4, 0.4, 0.41, 0.3999999, 0.5, 0.4, 0.6].entries()) {
    state = watch(state, i + 1, valLoss)
    over.push(isOver(state, 3))
  }
  t.same(over, [false, false, false, false, false, false, false, true])
  t.same(state, { best: 0.3999999, bestEpoch: 5, wait: 3 })
  t.end()
})
