// Staging to simulated hosts against as many plain `cp`, in turn; unchanged data again; a flipped byte; a host ten times slower
// than the others; a host that dies; and what a chain of plain C relays needs, which checks nothing: no program that sends by
// TCP is faster here. Where not root: plain processes, without the slow host and the relays.
// Usage: npm run -s bench -- stage [--mb 256] [--hosts 8] [--turns 3] [--mbit 400] [--folder where, of a node's memory or disk]
import { spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { median, round } from './parts/measure.mjs'
import { simulatedHosts } from './parts/hosts.mjs'
import { options } from './parts/options.mjs'
import { plainRelay } from './parts/relay.mjs'

const given = options({
  ...{ mb: 256, hosts: 8, turns: 3, mbit: 400 },
  folder: [existsSync('/dev/shm') ? '/dev/shm' : '/tmp'],
})
const count = given.hosts
const bin = fileURLToPath(new URL('../../dist/src/cli/bin.js', import.meta.url))
const folder = mkdtempSync(join(given.folder[0], 'upf-heds-stage-'))
const data = join(folder, 'data')
mkdirSync(data)
/** Four files, so that one of them can change. */
for (let n = 0; n < 4; n++) {
  const fd = openSync(join(data, `part-${n}`), 'w')
  for (let mb = 0; mb < given.mb / 4; mb++) writeSync(fd, randomBytes(1 << 20))
  closeSync(fd)
}
const numbers = Array.from({ length: count }, (_, i) => i)
const place = i => join(folder, `node-${i}`)
const clear = () => numbers.forEach(i => rmSync(place(i), { recursive: true, force: true }))
const hosts = process.getuid?.() === 0 ? simulatedHosts(count) : undefined
if (!hosts && process.getuid?.() !== 0) console.error('not root: plain processes stand for hosts')
const on = (i, args) => (hosts ? hosts.on(i, process.execPath, args) : [process.execPath, args])

/** All ranks of one staging. @returns what the first says, and how each ended */
async function stage(onStart = () => {}) {
  const children = numbers.map(i => {
    const names = ['--rank', i, '--size', count, '--host', `host-${i}`, '--json'].map(String)
    const args = [bin, 'stage', data, place(i), ...names, '--rendezvous', join(folder, 'meet')]
    return spawn(...on(i, args), { stdio: ['ignore', 'pipe', 'inherit'] })
  })
  let text = ''
  children[0].stdout.on('data', part => (text += part))
  const ends = Promise.all(
    children.map(child => new Promise(done => child.on('close', (...end) => done(end)))),
  )
  await onStart(children)
  const ended = await ends
  return { ...JSON.parse(text), ends: ended }
}

/** Seconds until the last host had it all, those named aside. */
const last = ({ done }, but) =>
  Math.max(...done.filter(d => d.name !== `host-${but}`).map(d => d.seconds))

async function plainCopies() {
  const begun = performance.now()
  await Promise.all(
    numbers.map(i => {
      const child = spawn('cp', ['-r', data, place(i)])
      return new Promise((done, failed) =>
        child.on('close', code => (code === 0 ? done() : failed(new Error(`cp: ${code}`)))),
      )
    }),
  )
  return (performance.now() - begun) / 1000
}

const isSame = i => spawnSync('diff', ['-r', data, join(place(i), 'data')]).status === 0

try {
  console.log(
    `load ${round(loadavg()[0])} at the start; ${count} hosts, ${given.mb} MB in ${folder}`,
  )
  const relay = hosts && plainRelay(hosts, count, folder, data)
  const turns = []
  for (let turn = 0; turn < given.turns; turn++) {
    const cp_s = await plainCopies()
    clear()
    const relay_s = await relay?.()
    const staged = await stage()
    const turnResult = {
      cp_s: round(cp_s),
      ...(relay ? { relay_s: round(relay_s), of_relay: round(relay_s / last(staged)) } : {}),
      stage_s: round(last(staged)),
      read: staged.read / staged.bytes,
    }
    turns.push({ ...turnResult, ratio: round(cp_s / last(staged)) })
    console.log(JSON.stringify(turns.at(-1)))
    if (turn < given.turns - 1) clear()
  }
  const of = key => round(median(turns.map(t => t[key])))
  const same = numbers.every(isSame)
  const again = await stage()
  const file = openSync(join(place(count - 1), 'data', 'part-2'), 'r+')
  writeSync(file, 'X', 12345)
  closeSync(file)
  const mended = await stage()
  const result = {
    source_bytes: of('read'),
    ratio_to_cp: of('ratio'),
    ...(relay ? { relay_to_cp: round(of('cp_s') / of('relay_s')), of_relay: of('of_relay') } : {}),
    gb_per_s: round((count * given.mb * 1048576) / 1e9 / of('stage_s')),
    again_s: round(again.seconds),
    again_bytes: again.read + again.sent,
    flipped_bytes: mended.sent,
    file_bytes: statSync(join(data, 'part-2')).size,
    same: same && numbers.every(isSame),
  }
  clear()

  // a host that dies while it feeds others: one of the first two is in the middle of a tree
  const killed = await stage(async children => {
    const parts = join(place(1), '.upf-heds-stage')
    const has = () =>
      existsSync(parts) &&
      readdirSync(parts, { recursive: true }).some(n => /\/\d+$/.test(String(n)))
    while (!has()) await new Promise(r => setTimeout(r, 2))
    children[1].kill('SIGKILL')
  })
  result.killed_others_ok = numbers.every(i => i === 1 || isSame(i))
  result.killed_read = round(killed.read / killed.bytes)
  clear()

  if (hosts) {
    for (const i of numbers) hosts.limit(i, given.mbit)
    const even = []
    const uneven = []
    for (let turn = 0; turn < Math.max(1, given.turns - 1); turn++) {
      even.push(last(await stage()))
      clear()
      hosts.limit(2, given.mbit / 10)
      uneven.push(last(await stage(), 2))
      hosts.limit(2, given.mbit)
      clear()
    }
    result.slow_delay = round(median(uneven) / median(even))
    result.even_s = round(median(even))
  } else console.log('the slow host is left out: only root can make one')

  const ok =
    result.source_bytes === 1 &&
    result.ratio_to_cp >= 0.7 &&
    result.again_s <= 1 &&
    result.again_bytes === 0 &&
    result.flipped_bytes <= result.file_bytes &&
    result.same &&
    result.killed_others_ok &&
    (result.slow_delay ?? 1) <= 1.1
  const bars = { bar_ratio: 0.7, stretch_ratio: 0.8, bar_again_s: 1, bar_slow_delay: 1.1 }
  console.log(JSON.stringify({ bench: 'stage', ...given, ...result, ...bars, ok }))
  process.exitCode = ok ? 0 : 1
} finally {
  hosts?.down()
  rmSync(folder, { recursive: true, force: true })
}
