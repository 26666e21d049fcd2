// A made-up sweep over time: ranks take RUN after RUN, some attempts fail, a walltime ends the first job.
import { uniforms } from './responses.mjs'

/** How the RUNs at the end of UPF order fare that do not finish, and those that need a second attempt. */
const FATES = [
  ['failed', 'the loss is NaN in epoch 3'],
  ['out-of-memory', 'the limit of 4096 MB was passed'],
  ['hung', 'no progress for 600 s'],
  ['crashed', 'the executor died of SIGSEGV'],
  ['failed', 'train_subset_data: no rows are left'],
]
/** Seconds in which a rank says nothing between two RUNs, and that software and data take to load. */
const [PAUSE, LOAD] = [1.5, 20]
/** Share of the work after which the first job's walltime is over. */
const FIRST_JOB = 0.6

/**
 * @param runs `{ run, history, reason }`: the epochs' seconds decide how long each takes
 * @param ranks workers @param perNode ranks on a host @param failures RUNs that fail for good
 * @returns journal records by leader's life, attempts `{ run, attempt, rank, host, from, to, first, last, fate }`
 *   in seconds since the life began, `failed` RUNs, and each life's length;
 *   of a finished RUN `known` has what the journal says, its marker still to be filled in
 */
export function makeSchedule(runs, { ranks, perNode, failures }) {
  const host = rank => `node-${String(Math.floor(rank / perNode) + 1).padStart(3, '0')}`
  const luck = uniforms('luck', runs.length)
  const failing = new Map(
    [...luck.keys()]
      .sort((a, b) => luck[a] - luck[b])
      .slice(0, failures)
      .map((at, k) => [runs[at].run, FATES[k % FATES.length]]),
  )
  const flaky = new Set(runs.filter((_, i) => luck[i] > 0.985).map(r => r.run))
  const work = runs.reduce((sum, r) => sum + total(r.history.seconds), 0) / ranks
  const known = new Map(runs.map(r => [r.run, { attempt: 0, epochs: 0, finish: null }]))
  const lives = [FIRST_JOB * work, Infinity].map((walltime, life) => {
    const queue = runs.filter(r => !known.get(r.run).finish && !known.get(r.run).failed)
    const found = oneLife(queue, walltime, known, { ranks, host, failing, flaky })
    const snapshot = runs.map(({ run }) => {
      const { attempt, finish } = known.get(run)
      return [run, attempt, finish, false]
    })
    return { ...found, life, snapshot }
  })
  return { lives, failed: [...failing.keys()], known }
}

function oneLife(queue, walltime, known, { ranks, host, failing, flaky }) {
  const free = Array.from({ length: ranks }, (_, k) => ({ rank: k + 1, at: LOAD + (k % 7) }))
  const events = []
  const attempts = []
  const again = []
  let isOver = false
  while (!isOver && (queue.length > 0 || again.length > 0)) {
    free.sort((a, b) => a.at - b.at)
    const slot = free[0]
    if (slot.at >= walltime) break
    const next = again[0]?.from <= slot.at || queue.length === 0 ? again.shift() : undefined
    const run = next?.run ?? queue.shift()
    const state = known.get(run.run)
    const from = Math.max(slot.at, next?.from ?? 0)
    const attempt = ++state.attempt
    const seconds = run.history.seconds.slice(state.epochs)
    const fault = failing.get(run.run) ?? (flaky.has(run.run) && attempt === 1 ? LOST : undefined)
    // a fault comes in the middle of an epoch
    const length = fault ? total(seconds.slice(0, 2)) + (seconds[2] ?? 0) / 2 : total(seconds) + 2
    const to = Math.min(from + length, walltime)
    const given = { run: run.run, attempt, rank: slot.rank, host: host(slot.rank) }
    const first = state.epochs
    const last = first + whole(seconds, to - from)
    events.push({ type: 'given', ...given, at: from })
    slot.at = to + PAUSE
    state.epochs = last
    const ended = how => ({ type: 'ended', run: run.run, attempt, epochs: last, at: to, ...how })
    if (to === walltime)
      events.push(ended({ fate: 'walltime', final: false, message: 'told to stop' }))
    else if (fault) {
      const final = failing.has(run.run) && attempt >= 2
      events.push(ended({ fate: fault[0], final, message: fault[1] }))
      if (final) state.failed = fault
      else again.push({ run, from: to })
    } else {
      state.finish = {
        ...{ marker: '', epochs: run.history.loss.length },
        ...{ reason: run.reason, seconds: to - from, durable: true },
      }
      events.push({ type: 'finished', run: run.run, attempt, finish: state.finish, at: to })
    }
    attempts.push({ ...given, from, to, first, last, fate: events.at(-1).fate ?? 'finished' })
    isOver = free.every(f => f.at >= walltime)
  }
  const length = Math.max(...attempts.map(a => a.to)) + 1
  return { events: events.sort((a, b) => a.at - b.at), attempts, length }
}

const LOST = ['node-lost', 'its agent went away']

/** How many epochs end within so many seconds. */
function whole(seconds, within) {
  let sum = 0
  const end = seconds.findIndex(s => (sum += s) > within)
  return end < 0 ? seconds.length : end
}

function total(values) {
  return values.reduce((a, b) => a + b, 0)
}
