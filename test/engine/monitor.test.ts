import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { runId } from '../../src/base/ids.js'
import { gpuLoad, parseLoad } from '../../src/engine/gpu.js'
import { newMonitors } from '../../src/engine/monitor.js'
import type { Order } from '../../src/engine/protocol.js'
import * as layout from '../../src/experiment/layout.js'

const RUN = runId('R0')!
const limits = { timeout: -1, patience: 300, memory: -1 }
const order = (attempt: number, monitor?: number): Order => ({
  ...{ run: RUN, attempt, params: {}, origins: {}, resolved: {}, digest: '' },
  ...limits,
  ...(monitor === undefined ? {} : { monitor }),
})
/** An EXP with the folder of the RUN, and a process whose child works hard. */
function bench(t: Test) {
  const exp = t.testdir({ run: { R0: {} } })
  const busy = `require('child_process').spawn(process.execPath, ['-e', 'for(;;);']); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['-e', busy], { detached: true, stdio: 'ignore' })
  t.teardown(() => process.kill(-child.pid!, 'SIGKILL'))
  const file = layout.performance(exp, RUN)
  const rows = () =>
    fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trimEnd().split('\n') : []
  const until = async (length: number) => {
    while (rows().length < length) await sleep(20)
    return rows()
  }
  let running: Order | undefined
  const monitors = newMonitors(
    exp,
    () => running,
    () => child.pid,
  )
  const run = (order: Order | undefined) => {
    running = order
    monitors.follow(0)
  }
  return { exp, run, stop: () => monitors.stop(), rows, until }
}

t.test('a line a look: processor and memory of the whole tree of processes', async t => {
  const { run, stop, until } = bench(t)
  run(order(2, 0.2))
  const [header, ...rows] = await until(5)
  stop()
  t.equal(header, 'time,attempt,seconds,cpu_percent,rss_mb,gpu_percent,gpu_mb')
  const last = rows.at(-1)!.split(',')
  t.match(last[0], /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  t.equal(last[1], '2')
  t.ok(Number(last[3]) > 1, `the child's work counts: ${last[3]} %`)
  t.ok(Number(last[4]) > 40, `two Node processes: ${last[4]} MB`)
})

t.test('the next attempt goes on in the same file, and the end of a RUN ends it', async t => {
  const { run, rows, until } = bench(t)
  run(order(1, 0.1))
  await until(2)
  run(order(2, 0.1))
  const both = await until(rows().length + 2)
  t.equal(both.filter(row => row.startsWith('time')).length, 1, 'one header')
  t.match(both.at(-1), /^[^,]+,2,/)
  run(undefined)
  await sleep(200) // what was on its way
  const after = rows().length
  await sleep(400)
  t.equal(rows().length, after)
})

t.test('a RUN without `monitor` has no file; a folder that is missing harms nobody', async t => {
  const { exp, run, stop, rows } = bench(t)
  run(order(1))
  await sleep(200)
  t.strictSame(rows(), [])
  fs.rmdirSync(dirname(layout.performance(exp, RUN)))
  run(order(2, 0.1))
  await sleep(400)
  fs.mkdirSync(dirname(layout.performance(exp, RUN)))
  while (rows().length < 2) await sleep(20)
  stop()
})

t.test('GPUs: mean load, memory of all; nothing where nobody tells', async t => {
  t.strictSame(parseLoad('97, 4096\n3, 1024\n'), { percent: 50, mb: 5120 })
  t.equal(parseLoad('[N/A], [N/A]\n'), undefined)
  t.equal(parseLoad('No devices were found\n'), undefined)
  const bin = t.testdir({ smi: '#!/bin/sh\necho "12, 345"\n' })
  fs.chmodSync(join(bin, 'smi'), 0o755)
  t.strictSame(await gpuLoad(join(bin, 'smi')), { percent: 12, mb: 345 })
  t.equal(await gpuLoad(join(bin, 'none')), undefined)
})
