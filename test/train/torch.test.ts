import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { torch } from '../../src/train/backends/torch.js'
import { SCRIPT } from '../../src/train/backends/torch-process.js'
import { withoutTorch } from './loadable.js'
import { pythonWith } from './python.js'
import { tinyEpoch, tinyOptions, tinyState } from './tiny.js'

/** As if the site's Python were a shell script. */
function pretend(t: Test, script: string, name = 'python') {
  const before = process.env['UPF_HEDS_PYTHON']
  const folder = existsSync(t.testdirName) ? t.testdirName : t.testdir({})
  const python = join(folder, name)
  writeFileSync(python, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  process.env['UPF_HEDS_PYTHON'] = python
  t.teardown(() => {
    if (before === undefined) delete process.env['UPF_HEDS_PYTHON']
    else process.env['UPF_HEDS_PYTHON'] = before
  })
  return python
}

/** Processes below one, that run the Python of the backend. */
function pythonsOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const [, of] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const args = readFileSync(`/proc/${name}/cmdline`, 'utf8')
        return Number(of) === parent && args.includes('torch/serve.py')
      } catch {
        return false // gone in between
      }
    })
    .map(Number)
}

t.test('a Python that is not there, or without PyTorch, is told in one line', async t => {
  const python = pretend(t, 'echo "{\\"why\\": \\"/usr/bin/python3 has no PyTorch\\"}"')
  t.equal(
    await torch('cpu').unavailable(),
    '/usr/bin/python3 has no PyTorch; UPF_HEDS_PYTHON may name one that has',
  )
  process.env['UPF_HEDS_PYTHON'] = `${python}4`
  t.equal(await torch('cpu').unavailable(), `no ${python}4 here; UPF_HEDS_PYTHON may name one`)
})

t.test('so is one that fails, or answers something else', async t => {
  const python = pretend(t, 'echo line >&2; echo "ImportError: libcudart.so.12" >&2; exit 1')
  t.equal(await torch('cpu').unavailable(), `${python}: ImportError: libcudart.so.12`)
  const other = pretend(t, 'echo Welcome', 'another')
  t.equal(await torch('cpu').unavailable(), `${other}: "Welcome" is no answer of serve.py`)
})

const anyPython = pythonWith()
t.test(
  'PyTorch is loaded for a GPU only if it was built for one; what fails then is told',
  'skip' in anyPython ? anyPython : {},
  async t => {
    const python = 'python' in anyPython ? anyPython.python : ''
    const version = (cuda: string) => `__version__ = "9.9"\ncuda = ${cuda}\nhip = None\n`
    const folder = t.testdir({
      cpu: { torch: { '__init__.py': 'raise OSError("loaded")', 'version.py': version('None') } },
      gpu: {
        torch: { '__init__.py': 'raise OSError("no libcudart")', 'version.py': version('12') },
      },
    })
    const probe = (name: string) => {
      const env = { ...process.env, PYTHONPATH: join(folder, name) }
      const { stdout } = spawnSync(python, [SCRIPT, 'probe'], { encoding: 'utf8', env })
      return (JSON.parse(stdout) as { devices: unknown }).devices
    }
    const own = /^PyTorch 9.9 of .*python.* is built without it$/
    t.match(probe('cpu'), { cpu: null, cuda: own, xpu: own })
    t.match(probe('gpu'), {
      cpu: null,
      cuda: /^PyTorch 9.9 of .*python.*: no libcudart$/,
      xpu: own,
    })
  },
)

t.test('without a device file no Python is asked for its GPU', async t => {
  const ran = join(t.testdirName, 'ran')
  pretend(t, `touch ${ran}; exit 1`)
  for (const device of ['cuda', 'xpu'] as const) {
    const why = await torch(device).unavailable()
    t.equal(/^no .* GPU here/.test(why!), !existsSync(ran), device)
  }
})

t.test('a process that dies before it can train is one line', async t => {
  pretend(t, 'exit 3')
  const made = torch('cpu').create(tinyOptions(), tinyState(tinyOptions()))
  await t.rejects(made, { message: /^torch: the Python process \d+ ended with status 3; / })
})

t.test('what it says between the frames is refused', async t => {
  pretend(t, 'echo Good morning; cat > /dev/null')
  const made = torch('cpu').create(tinyOptions(), tinyState(tinyOptions()))
  await t.rejects(made, { message: '"Good morning" is no frame of torch/frames.py' })
})

const skip = withoutTorch ?? (existsSync('/proc/self') ? undefined : 'no /proc here')
const withTorch = skip === undefined ? {} : { skip }

t.test(
  'a process killed within an epoch is one line, and the next trainer works',
  withTorch,
  async t => {
    const options = tinyOptions({ batchSize: 1 })
    const trainer = await torch('cpu').create(options, tinyState(options))
    let victims: number[] = []
    const epoch = tinyEpoch(400_000, {
      onProgress: () => {
        if (victims.length > 0) return
        victims = pythonsOf(process.pid)
        for (const pid of victims) process.kill(pid, 'SIGKILL')
      },
    })
    await t.rejects(trainer.trainEpoch(epoch), {
      message: /^torch: the Python process \d+ died of SIGKILL; its words are in out\/out-NNN.txt$/,
    })
    t.equal(victims.length, 1)
    await t.rejects(trainer.state(), /died of SIGKILL/)
    await trainer.close()
    const next = await torch('cpu').create(options, tinyState(options))
    t.ok((await next.trainEpoch(tinyEpoch(4))).loss > 0)
    await next.close()
  },
)

t.test(
  'a process waits for the next trainer; one closed while it works does not',
  withTorch,
  async t => {
    const options = tinyOptions({ batchSize: 1, threads: 2 })
    const start = tinyState(options)
    const first = await torch('cpu').create(options, start)
    const before = pythonsOf(process.pid)
    const { loss } = await first.trainEpoch(tinyEpoch(4))
    await first.close()
    const second = await torch('cpu').create(options, start)
    t.strictSame(pythonsOf(process.pid), before)
    t.equal((await second.trainEpoch(tinyEpoch(4))).loss, loss, 'nothing is left of the first')
    await t.rejects(first.state(), /closed/)
    await first.close()
    t.equal((await second.state()).step, 4, 'closing twice does nothing to the second')

    const pending = t.rejects(second.trainEpoch(tinyEpoch(400_000)), /closed/)
    await second.close()
    await pending
    const third = await torch('cpu').create(options, start)
    const after = pythonsOf(process.pid)
    t.equal(before.filter(pid => after.includes(pid)).length, before.length - 1)
    await third.close()
  },
)

for (const when of ['within an epoch', 'while PyTorch is loaded', 'between two epochs'])
  t.test(`nothing outlives a process killed ${when}`, withTorch, async t => {
    const registry = new URL('../../src/train/backends/torch.js', import.meta.url).href
    const tiny = new URL('./tiny.js', import.meta.url).href
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { torch } from ${JSON.stringify(registry)}
         import { tinyEpoch, tinyOptions, tinyState } from ${JSON.stringify(tiny)}
         const options = tinyOptions({ batchSize: 1 })
         const made = torch('cpu').create(options, tinyState(options))
         const say = what => console.log(what)
         if (${JSON.stringify(when)} === 'while PyTorch is loaded') say('ready')
         const trainer = await made
         if (${JSON.stringify(when)} === 'between two epochs') say('ready')
         else await trainer.trainEpoch(tinyEpoch(400_000, { onProgress: () => say('ready') }))
         setTimeout(() => undefined, 60_000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    const pythons = pythonsOf(child.pid!)
    t.equal(pythons.length, 1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    while (pythons.some(pid => existsSync(`/proc/${pid}`))) await sleep(20)
    t.pass('it is gone')
  })

t.test(
  'bfloat16 trains as float32 does, to its digits, and hands out float32',
  withTorch,
  async t => {
    const options = tinyOptions({ batchSize: 8 })
    const run = async (precision: 'fp32' | 'bf16') => {
      const trainer = await torch('cpu', precision).create(options, tinyState(options))
      const losses = []
      for (const epoch of [0, 1, 2])
        losses.push((await trainer.trainEpoch(tinyEpoch(64, { epoch }))).loss)
      const { weights } = await trainer.state()
      await trainer.close()
      return { losses, weights }
    }
    const [whole, short] = [await run('fp32'), await run('bf16')]
    for (const [i, loss] of whole.losses.entries())
      t.ok(Math.abs(short.losses[i]! / loss - 1) < 0.02, `${short.losses[i]}, want ${loss}`)
    t.notSame(short.losses, whole.losses)
    t.ok(
      short.weights.some(w => (new Uint32Array(Float32Array.of(w).buffer)[0]! & 0xffff) !== 0),
      'small steps are not lost',
    )
  },
)
