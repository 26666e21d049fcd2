import fs from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { sha256 } from '../../src/base/digest.js'
import { runId } from '../../src/base/ids.js'
import { doRun } from '../../src/engine/attempt.js'
import { newLeaderEpoch, type LeaderEpoch } from '../../src/engine/fence.js'
import { writeRendezvous } from '../../src/engine/rendezvous.js'
import * as layout from '../../src/experiment/layout.js'
import { validateMarker } from '../../src/experiment/marker.js'
import { Stopped, type RunContext, type Session } from '../../src/experiment/workflow.js'

const RUN = runId('RUN000')!
const EXPECTED = { params: 'digest', data: 'data', seed: 7 }
const LIMITS = { timeout: -1, patience: 300, memory: -1 }
const OUTPUT = 'result.txt'

/** What may happen while the RUN trains. */
interface Scene {
  readonly context: RunContext
  readonly exp: string
  readonly epoch: LeaderEpoch
  /** The agent tells the RUN to stop. */
  readonly stop: () => void
}

const STATUS = { host: 'h', path: '' }
const lead = (exp: string, epoch: number) =>
  writeRendezvous(layout.engine(exp), { addresses: [], epoch, status: STATUS })

/** An EXP that leader 3 leads, and what its first attempt of RUN000 comes to. */
async function attempt(t: Test, run: (scene: Scene) => Promise<void> | void) {
  const control = new AbortController()
  const stop = () => control.abort()
  const epoch = newLeaderEpoch(3)
  const exp = t.testdir({ '.engine': {}, run: {} })
  await lead(exp, 3)
  const session: Session = {
    run: async context => {
      fs.writeFileSync(join(context.directory, OUTPUT), '1\n')
      await sleep(10) // a fence that follows rank.txt at once is open
      await run({ context, exp, epoch, stop })
      return { epochs: 2, reason: 'completed', outputs: [OUTPUT] }
    },
    close: async () => undefined,
  }
  const { params: digest, data, seed } = EXPECTED
  const order = { run: RUN, attempt: 1, origins: {}, resolved: {}, digest, ...LIMITS }
  const result = doRun(
    session,
    {
      type: 'run',
      order: { ...order, params: { seed } },
      exp,
      leaderEpoch: 3,
      nonce: 'n',
      rank: 1,
      host: 'h',
      tile: 0,
      temporary: join(exp, 'none'),
      data,
    },
    epoch,
    control.signal,
    () => undefined,
  )
  return { exp, result }
}

t.test('the marker comes last, over what was trained, and its digest is the answer', async t => {
  const { exp, result } = await attempt(t, ({ exp }) => {
    t.notOk(fs.existsSync(layout.marker(exp, RUN)), 'none while it trains')
  })
  const { marker, ...rest } = await result
  const text = fs.readFileSync(layout.marker(exp, RUN))
  t.match(rest, { epochs: 2, reason: 'completed', bytes: text.length })
  t.equal(marker, sha256(text))
  t.match(validateMarker(exp, RUN, EXPECTED, true), {
    valid: true,
    marker: { attempt: 1, epochs: 2, outputs: [[OUTPUT, 2, Number]] },
  })
})

t.test('a RUN that fails leaves no marker', async t => {
  const { exp, result } = await attempt(t, () => {
    throw new Error('no')
  })
  await t.rejects(result, { message: 'no' })
  t.notOk(fs.existsSync(layout.marker(exp, RUN)))
})

t.test('an attempt that another attempt took over leaves no marker', async t => {
  const { exp, result } = await attempt(t, ({ exp }) => {
    fs.writeFileSync(layout.rankFile(exp, RUN), 'attempt = 2\n')
  })
  await t.rejects(result, Stopped)
  t.notOk(fs.existsSync(layout.marker(exp, RUN)))
})

t.test('under a leader that does not adopt it, it leaves no marker', async t => {
  const { exp, result } = await attempt(t, async ({ exp, stop }) => {
    await lead(exp, 4)
    stop()
  })
  await t.rejects(result, Stopped)
  t.notOk(fs.existsSync(layout.marker(exp, RUN)))
})

t.test('a leader that adopts it gets its marker', async t => {
  const { exp, result } = await attempt(t, async ({ exp, epoch }) => {
    await lead(exp, 4)
    epoch.set(4)
  })
  t.match(await result, { epochs: 2 })
  t.ok(validateMarker(exp, RUN, EXPECTED, true).valid)
})

t.test('a workflow can ask whether it was taken over', async t => {
  const { result } = await attempt(t, async ({ context, exp, stop }) => {
    await context.fence()
    await lead(exp, 4)
    stop()
    await t.rejects(context.fence(), Stopped)
  })
  await t.rejects(result, Stopped)
})

/** A RUN that takes seconds, without waiting for it. */
function takesLong(t: Test): void {
  const now = performance.now.bind(performance)
  performance.now = () => now() + 2000
  t.teardown(() => {
    performance.now = now
  })
}

t.test('a RUN that took its time is synced; one that did not is cheaper to run again', async t => {
  const short = await attempt(t, () => undefined)
  t.match(await short.result, { durable: false })
  t.ok(validateMarker(short.exp, RUN, EXPECTED).valid)
  const long = await attempt(t, () => takesLong(t))
  t.match(await long.result, { durable: true })
})

t.test('a marker to be trusted is read back: outputs gone by then are a fault', async t => {
  const { rename } = promises
  promises.rename = async (from, to) => {
    await rename(from, to)
    if (String(to).endsWith('stop.marker')) fs.rmSync(join(String(to), '..', OUTPUT))
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    promises.rename = rename
    syncBuiltinESMExports()
  })
  const { result } = await attempt(t, () => takesLong(t))
  await t.rejects(result, { name: 'HedError', kind: 'FAILED', message: /result\.txt is missing/ })
})
