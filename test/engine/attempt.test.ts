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
import { validateMarker, writeMarker } from '../../src/experiment/marker.js'
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
  return attemptIn(t.testdir({ '.engine': {}, run: {} }), run)
}

/** The same in an EXP that is there. */
async function attemptIn(exp: string, run: (scene: Scene) => Promise<void> | void) {
  const control = new AbortController()
  const stop = () => control.abort()
  const epoch = newLeaderEpoch(3)
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
    control,
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
  t.match(rest, { epochs: 2, reason: 'completed' })
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

/** rank.txt as an attempt under a leader of this EXP, or another, has left it. */
const owned = (exp: string, leader: number, attempt: number, of = exp) => {
  fs.mkdirSync(layout.run(exp, RUN), { recursive: true })
  const text = `rank = 2\nattempt = ${attempt}\nleader = ${leader}\nexp = ${of}\n`
  fs.writeFileSync(layout.rankFile(exp, RUN), text)
  return text
}

for (const [what, leader, attempt] of [
  ['attempt', 3, 2],
  ['leader', 4, 1],
] as const)
  t.test(`a late order takes nothing from a newer ${what}`, async t => {
    const exp = t.testdir({ '.engine': {}, run: {} })
    const text = owned(exp, leader, attempt)
    const { result } = await attemptIn(exp, () => void t.fail('it must not train'))
    await t.rejects(result, Stopped)
    t.equal(fs.readFileSync(layout.rankFile(exp, RUN), 'utf8'), text)
  })

t.test(
  'an older attempt, and one of another EXP, are followed; their files stay theirs',
  async t => {
    for (const [leader, of] of [
      [2, undefined],
      [9, '/elsewhere/EXP001'],
    ] as const) {
      const exp = t.testdir({ '.engine': {}, run: {} })
      const text = owned(exp, leader, 1, of)
      const link = join(exp, 'linked.txt')
      fs.linkSync(layout.rankFile(exp, RUN), link)
      const { result } = await attemptIn(exp, () => undefined)
      t.match(await result, { epochs: 2 })
      t.match(fs.readFileSync(layout.rankFile(exp, RUN), 'utf8'), /^leader = 3$/m)
      t.equal(fs.readFileSync(link, 'utf8'), text, 'the other name of the file shows no change')
    }
  },
)

t.test('a RUN that has finished unheard of is not run again', async t => {
  const first = await attempt(t, () => undefined)
  const before = await first.result
  const marker = fs.readFileSync(layout.marker(first.exp, RUN), 'utf8')
  const again = await attemptIn(first.exp, () => void t.fail('it must not train'))
  const { marker: digest, epochs } = before
  t.match(await again.result, { marker: digest, epochs, seconds: -1, durable: false })
  t.equal(fs.readFileSync(layout.marker(first.exp, RUN), 'utf8'), marker)
})

t.test('a marker that came while it trained stands', async t => {
  const other = { attempt: 7, epochs: 9, reason: 'completed', outputs: [] } as const
  const { exp, result } = await attempt(t, async ({ exp }) => {
    await writeMarker(exp, RUN, { ...other, ...EXPECTED })
  })
  t.match(await result, { epochs: 9 })
  t.match(validateMarker(exp, RUN, EXPECTED), { marker: { attempt: 7 } })
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
