import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { newMember, share, TEAM_WORDS } from '../../src/train/backends/team.js'

const team = JSON.stringify(new URL('../../src/train/backends/team.js', import.meta.url).href)

/** Threads 1 … of a team, each running a script over `member` and the shared `values`. */
function helpers(size: number, words: Int32Array, values: Int32Array, spin: boolean, body: string) {
  return Array.from({ length: size - 1 }, (_, i) => {
    const script = `
      const { workerData: { words, values, rank, size, spin } } = require('node:worker_threads')
      import(${team}).then(({ newMember }) => {
        const member = newMember(rank, size, words, spin)
        ${body}
      })`
    const workerData = { words, values, rank: i + 1, size, spin }
    return new Worker(script, { eval: true, execArgv: [], workerData })
  })
}

const shared = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length))

for (const spin of [true, false])
  t.test(`no member passes a barrier before all are there, spin ${spin}`, async t => {
    const [size, rounds] = [3, 500]
    const [words, values] = [shared(TEAM_WORDS), shared(size + 1)]
    // plain writes, read by the others after the barrier: one that came too early would see an old round
    const body = `
      for (let round = 1; round <= ${rounds}; round++) {
        values[rank] = round
        member.barrier()
        if (values.slice(0, size).some(v => v !== round)) values[size] = round
        member.barrier()
      }`
    const ended = helpers(size, words, values, spin, body).map(worker => once(worker, 'exit'))
    const member = newMember(0, size, words, spin)
    for (let round = 1; round <= rounds; round++) {
      values[0] = round
      member.barrier()
      if (values.slice(0, size).some(v => v !== round)) values[size] = round
      member.barrier()
    }
    await Promise.all(ended)
    t.same([...values], [rounds, rounds, rounds, 0])
  })

t.test('who waits for one that failed throws, and so does who comes later', async t => {
  const words = shared(TEAM_WORDS)
  const body = `
    try {
      member.barrier()
    } catch (error) {
      require('node:worker_threads').parentPort.postMessage(error.message)
    }`
  const [worker] = helpers(2, words, shared(1), false, body)
  const message = once(worker!, 'message')
  await once(worker!, 'online')
  const member = newMember(0, 2, words, true)
  member.fail()
  t.match((await message)[0], /another thread of the trainer failed/)
  t.throws(() => member.barrier(), /another thread/)
})

t.test('shares are whole units, in order, and make up the whole', async t => {
  for (const [length, size, unit] of [
    [1000, 2, 4],
    [5, 3, 4],
    [1, 2, 4],
    [0, 2, 1],
    [513, 8, 32],
  ] as const) {
    const parts = Array.from({ length: size }, (_, rank) => share(length, { rank, size }, unit))
    t.equal(parts[0]![0], 0)
    t.equal(parts.at(-1)![1], length)
    parts.slice(1).forEach(([from], i) => t.equal(from, parts[i]![1]))
    parts.slice(1).forEach(([from]) => t.ok(from === length || from % unit === 0))
  }
  t.same(share(1000, { rank: 0, size: 2 }, 4), [0, 500])
})
