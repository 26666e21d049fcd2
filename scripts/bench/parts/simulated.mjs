// One sweep of RUNs that do nothing: a real leader process, simulated ranks over real sockets.
import { fork, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cpu, memory } from './measure.mjs'
import { makeExp, NOOP, RANK } from './make-exp.mjs'

const SIM = new URL('./sim-ranks.mjs', import.meta.url)

/**
 * @param ranks simulated agents @param runs RUNs of the sweep
 * @param times file with seconds by RUN, for RUNs that take time
 * @param says seconds that RUNs are said to have taken: one that is not tiny is never given ahead
 * @returns µs of wall time a RUN, seconds to register, MB and loop lag of the leader
 */
export async function simulated({
  ranks,
  runs,
  times,
  says = 0,
  processes = ranks > 2000 ? 2 : 1,
}) {
  const { folder, exp } = await makeExp(runs, ranks + 1)
  const begun = performance.now()
  const leader = spawn(
    process.execPath,
    [
      ...[RANK, 'rank', '--exp', exp.path, '--rank', '0'],
      ...['--epoch', '0', '--workflow', NOOP.href],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, memory(leader.pid))
  }, 100)
  const each = Math.ceil(ranks / processes)
  const children = Array.from({ length: processes }, (_, i) =>
    fork(
      SIM,
      [
        exp.path,
        String(1 + i * each),
        String(Math.min(each, ranks - i * each)),
        String(says),
        ...(times ? [times] : []),
      ],
      { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    ),
  )
  const said = key =>
    children.map(c => new Promise(done => c.on('message', m => m[key] && done(m[key]))))
  const overs = said('over')
  await Promise.all(said('registered'))
  const registered = (performance.now() - begun) / 1000
  const before = cpu(leader.pid)
  for (const child of children) child.send({ go: true })
  const ms = Math.min(...[await Promise.race(overs)])
  const busy = cpu(leader.pid) - before
  await new Promise(done => leader.on('exit', done))
  clearInterval(watch)
  for (const child of children) child.kill('SIGKILL')
  const status = JSON.parse(readFileSync(join(exp.path, 'status.json'), 'utf8'))
  if (status.finished !== runs) throw new Error(`${status.finished} of ${runs} RUNs finished`)
  rmSync(folder, { recursive: true })
  return {
    us: (ms * 1000) / runs,
    cpu_us: (busy * 1e6) / runs,
    registered,
    mb: peak,
    lag_p99_ms: status.lagP99,
    lag_max_ms: status.lagMax,
    seconds: ms / 1000,
  }
}
