// A sweep with the backend torch: its Python is killed, its executor is killed, and nothing is lost or left.
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { withoutTorch } from '../train/loadable.js'
import { until } from './slow-sweep.js'
import { processes, resultBytes, start, upfHeds } from './sweep.js'

const skip = withoutTorch === undefined ? {} : { skip: withoutTorch }

function bench() {
  const cwd = t.testdir({
    'upf.txt': '{"id": "RUN000", "index": 0}\n',
    'dflts.json': JSON.stringify({
      epochs: 5,
      batch_size: 4,
      hyperparam_space: 'block',
      canc_arch: [32],
      drug_arch: [32],
      interaction_arch: [32],
    }),
  })
  upfHeds(['data', 'demo', 'data'], cwd)
  return cwd
}

const SWEEP = [
  ...['local', 'upf.txt', 'dflts.json', '--data-source', 'data'],
  ...['--threads', '1', '--backend', 'torch:cpu'],
]

/** The Python of the one executor of an EXP. */
function pythonOf(exp: string): number | undefined {
  const executors = processes(exp).filter(({ kind }) => kind === 'executor')
  for (const name of fs.readdirSync('/proc').filter(name => /^\d+$/.test(name)))
    try {
      const args = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8')
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      if (args.includes('torch/serve.py') && executors.some(({ pid }) => pid === parent))
        return Number(name)
    } catch {
      // gone in between
    }
  return undefined
}

t.test(
  'a Python killed within an epoch fails the attempt; the next one ends alike',
  skip,
  async t => {
    const cwd = bench()
    const undisturbed = upfHeds(SWEEP, cwd)
    t.equal(undisturbed.status, 0, undisturbed.stderr)
    for (const victim of ['python', 'executor'] as const) {
      const exp = resolve(cwd, victim === 'python' ? 'out/EXP002' : 'out/EXP003')
      const sweep = start(SWEEP, cwd)
      while (!fs.existsSync(join(exp, 'run/RUN000/ckpts/last'))) await sleep(20)
      const python = pythonOf(exp)!
      const executor = processes(exp).find(({ kind }) => kind === 'executor')!
      process.kill(victim === 'python' ? python : executor.pid, 'SIGKILL')
      const { status, stderr } = await sweep.ended
      t.equal(status, 0, stderr)
      await until(() => !isRunning(python)) // it ends with its executor, a moment later
      t.strictSame(resultBytes(exp), resultBytes(join(cwd, 'out/EXP001')))
      const story = upfHeds(['explain', exp, 'RUN000'], cwd).stdout
      t.match(
        story,
        victim === 'python'
          ? `torch: the Python process ${python} died of SIGKILL; its words are in out/out-NNN.txt`
          : /crashed/,
      )
    }
  },
)

/** A process that nobody has asked after its end is none. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
