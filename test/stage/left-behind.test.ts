import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { BIN, upfHeds } from '../e2e/sweep.js'
import { stageRanks } from './ranks.js'
import { makeTree } from './trees.js'

const meetings = (cwd: string) =>
  fs.readdirSync(cwd).filter(name => /^\.+upf-heds-stage-/.test(name))

/** A first rank that waits for another, which never comes. */
async function waiting(cwd: string) {
  const args = ['stage', 'data', 'n0', '--rank', '0', '--size', '2', '--wait', '60']
  const child = spawn(process.execPath, [BIN, ...args], { cwd, stdio: 'ignore' })
  const isThere = () => meetings(cwd).some(name => name.endsWith('.json'))
  while (!isThere() && child.exitCode === null) await sleep(20)
  return {
    end: async (signal: NodeJS.Signals) => {
      child.kill(signal)
      return once(child, 'exit')
    },
  }
}

t.test('the file with the secret of a staging that was killed goes with the next one', async t => {
  const cwd = t.testdir({ data: { file: 'text' } })
  const { end } = await waiting(cwd)
  const [left] = meetings(cwd)
  t.equal(fs.statSync(join(cwd, left!)).mode & 0o777, 0o600)
  fs.writeFileSync(join(cwd, '.upf-heds-stage-0123456789ab.json'), '{}') // nobody knows whose
  t.equal(upfHeds(['stage', 'data', 'alone'], cwd).status, 0)
  t.ok(fs.existsSync(join(cwd, left!)), 'that of one that lives stays')
  await end('SIGKILL')
  t.ok(fs.existsSync(join(cwd, left!)))
  fs.writeFileSync(join(cwd, `.${left!}.1.ab12.1`), fs.readFileSync(join(cwd, left!)))
  t.equal(upfHeds(['stage', 'data', 'alone'], cwd).status, 0)
  t.strictSame(meetings(cwd), ['.upf-heds-stage-0123456789ab.json'])
})

t.test('a staging that is told to end leaves no secret, and ends of the signal', async t => {
  const cwd = t.testdir({ data: { file: 'text' } })
  const { end } = await waiting(cwd)
  t.strictSame(await end('SIGTERM'), [null, 'SIGTERM'])
  t.strictSame(meetings(cwd), [])
})

t.test('the file with the secret is there until all have met, no longer', async t => {
  const cwd = t.testdir({ data: {} })
  makeTree(join(cwd, 'data'), 150 << 20)
  const { children, ended } = stageRanks(cwd, ['data'], 2)
  const file = join(cwd, 'meet.json')
  while (!fs.existsSync(file)) await sleep(2)
  const begun = () => fs.existsSync(join(cwd, 'n1/.upf-heds-stage'))
  while (!begun()) await sleep(1)
  children[1]!.kill('SIGSTOP') // nothing is over before it goes on
  while (fs.existsSync(file)) await sleep(10)
  children[1]!.kill('SIGCONT')
  t.strictSame(
    (await ended).map(e => [e.status, e.stderr]),
    [
      [0, ''],
      [0, ''],
    ],
    'both have it: the file went before one was given up',
  )
})
