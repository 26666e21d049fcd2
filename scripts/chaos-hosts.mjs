// A soak on simulated hosts: sweeps through an MPI launcher under random faults of processes, networks and hosts.
// Usage: node scripts/chaos-hosts.mjs [--launcher hydra] [--minutes 10] [--seed 1] [--built] [--keep]
// Needs root and the launcher (hydra, openmpi). Three hosts, two ranks each, a fresh sweep every round; in
// some the host of the leader is lost, and what is left resumes the sweep; another may be lost in every round. What must hold is judged at the end of each.
// The last line is JSON with every figure and "ok". Exit 1 if anything did not hold.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { newRandom } from './chaos-faults.mjs'
import { root, setup } from './setup.mjs'

const { values } = parseArgs({
  options: {
    launcher: { type: 'string', default: 'hydra' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    built: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
process.chdir(root)
if (!values.built) setup()
const { gone, invariants } = await import('../dist/test/e2e/invariants.js')
const { siteOf } = await import('../dist/test/e2e/lab.js')
const { slowFiles } = await import('../dist/test/e2e/slow-sweep.js')
const { processes, start } = await import('../dist/test/e2e/sweep.js')
const { startHosts } = await import('../dist/test/hosts/hosts.js')

const RUNS = 24
const LEASE = '0.5,2,5'
const { random, between } = newRandom(Number(values.seed))
const end = performance.now() + Number(values.minutes) * 60_000
const faults = {}
const problems = []
mkdirSync(join(root, 'out'), { recursive: true }) // which every host sees
const folder = mkdtempSync(join(root, 'out/chaos-hosts-'))
let rounds = 0
const sum = { finished: 0, again: 0, lostEpochs: 0 }
while (performance.now() < end && problems.length === 0) await round(++rounds)
const ok = problems.length === 0
if (!values.keep && ok) rmSync(folder, { recursive: true, force: true })
else console.log(`kept: ${folder}`)
console.log(JSON.stringify({ launcher: values.launcher, rounds, ...sum, faults, problems, ok }))
process.exit(ok ? 0 : 1)

async function round(number) {
  const hosts = await startHosts(4, [root])
  if (hosts.missing !== undefined) throw new Error(`no simulated hosts here: ${hosts.missing}`)
  const cwd = join(folder, String(number))
  mkdirSync(join(cwd, 'data'), { recursive: true })
  const lines = Array.from({ length: RUNS }, (_, i) => ({
    ...{ id: `R${i}`, epochs: 2 + Math.floor(random() * 5), retries: 9, seed: i },
    epochSeconds: Number(between(0.1, 0.8).toFixed(2)),
  }))
  const files = slowFiles(lines)
  for (const name of ['upf.txt', 'dflts.json']) writeFileSync(join(cwd, name), files[name])
  const site = JSON.stringify(siteOf(values.launcher, { LEASE }))
  writeFileSync(join(cwd, 'site.json'), site)
  const args = ['site.json', 'upf.txt', 'dflts.json', '--data-source', 'data']
  const sweep = start(args, cwd, hosts.env, hosts.login('h4'))
  const exp = join(cwd, 'out/EXP001')
  let isOver = false
  const ended = sweep.ended.then(result => {
    isOver = true
    return result
  })
  const away = ['h2', 'h3']
  const once = new Set()
  const done = []
  while (!isOver) {
    await sleep(between(500, 3000))
    const lost = ['crash', 'unplug', 'home']
    const fault = pick(['agent', 'executor', 'shield', 'leader', 'cut', 'cut', ...lost])
    const said = await disturb(fault)
    if (said === undefined) continue
    done.push(`${fault} ${said}`)
    faults[fault] = (faults[fault] ?? 0) + 1
  }
  let { status, stderr } = await ended
  await gone(exp, 30).catch(error => problems.push(`left behind: ${error.message}`))
  if (once.has('home') && status === 6) {
    // the others cannot be given its ranks: a new job is
    const rest = ['--hosts', away.join(','), '--procs', String(2 * away.length)]
    const again = start(['resume', exp, ...rest], cwd, hosts.env, hosts.login('h4'))
    ;({ status, stderr } = await again.ended)
    await gone(exp, 30).catch(error => problems.push(`left behind: ${error.message}`))
  }
  hosts.down()
  const found = invariants(exp)
  sum.finished += found.finished
  sum.again += found.again
  sum.lostEpochs += found.begun - found.epochs
  problems.push(...found.problems)
  if (status !== 0) problems.push(`exit ${status}: ${stderr.slice(-500)}`)
  if (found.finished !== RUNS) problems.push(`${found.finished} of ${RUNS} finished`)
  console.log(`round ${number}: ${found.finished} finished, ${done.join(', ') || 'undisturbed'}`)

  /** @returns what was hit; undefined where there was nothing to hit */
  async function disturb(fault) {
    switch (fault) {
      case 'cut': {
        const host = pick(away)
        if (host === undefined) return undefined
        hosts.cut(host)
        const seconds = between(1, 9)
        await sleep(seconds * 1000)
        hosts.heal(host)
        return `${host} ${seconds.toFixed(1)} s`
      }
      case 'crash':
      case 'unplug': {
        // one host in a round: somebody must be left
        if (once.has('lost') || random() < 0.5) return undefined
        once.add('lost')
        const host = away.splice(Math.floor(random() * 2), 1)[0]
        if (fault === 'crash') hosts.kill(host)
        else hosts.cut(host)
        return host
      }
      case 'home':
        if (once.has('home') || random() < 0.5) return undefined
        once.add('home')
        hosts.kill('h1')
        return 'h1'
      case 'leader':
        if (once.has('leader')) return undefined
        once.add('leader')
        return killOne('leader')
      case 'shield':
        return killOne('launcher', isShieldElsewhere)
      default:
        return killOne(fault)
    }
  }

  function killOne(kind, isMeant = () => true) {
    try {
      const victim = pick(processes(exp).filter(p => p.kind === kind && isMeant(p.pid)))
      if (victim === undefined) return undefined
      process.kill(victim.pid, 'SIGKILL')
      return String(victim.pid)
    } catch {
      return undefined // it has just ended
    }
  }
}

/** Of the leader's host none: Hydra would kill its leader, which is another story (exit 6, resume). */
function isShieldElsewhere(pid) {
  const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  return /node$/.test(args[0]) && args[args.indexOf('--first') + 1] !== '0'
}

function pick(list) {
  return list[Math.floor(random() * list.length)]
}
