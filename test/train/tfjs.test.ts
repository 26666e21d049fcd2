import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { backend, chooseBackend } from '../../src/train/backends/registry.js'
import { openTf } from '../../src/train/backends/tfjs-load.js'
import { newTfjsTrainer } from '../../src/train/backends/tfjs-train.js'
import { tinyEpoch, tinyOptions, tinyState } from './tiny.js'

const given = process.env['UPF_HEDS_TFJS']
const restore = () => {
  if (given === undefined) delete process.env['UPF_HEDS_TFJS']
  else process.env['UPF_HEDS_TFJS'] = given
}

const node = await (await backend('tfjs:node')).unavailable()

t.test('no tensor is left behind: not by steps, predictions, states, stops or errors', async t => {
  const tf = await openTf('cpu')
  const held = () => tf.memory().numTensors
  const before = held()
  const options = tinyOptions({ optimiser: 'Nadam' })
  const trainer = newTfjsTrainer(tf, options, tinyState(options))
  const own = held()
  t.equal(own - before, 2 + 3, 'two tables, weights and two moments')
  const go = (stop: () => boolean) => trainer.trainEpoch(tinyEpoch(30), () => undefined, stop)

  t.ok((await go(() => false))! > 0)
  t.equal(held(), own)
  let steps = 0
  t.equal(await go(() => ++steps > 5), undefined)
  t.equal(held(), own, 'after a stop')
  t.equal((await trainer.predict(tinyEpoch(5000).rows)).length, 5000)
  trainer.load(await trainer.state())
  t.equal(held(), own)
  const wrong = tinyEpoch(4)
  wrong.rows.drug[3] = -1
  await t.rejects(
    async () =>
      trainer.trainEpoch(
        wrong,
        () => undefined,
        () => false,
      ),
    /-1/,
  )
  t.equal(held(), own)
  trainer.close!()
  t.equal(held(), before, 'nothing of it stays on the device')
})

t.test('what is not installed, or does not load, is one line', async t => {
  const site = mkdtempSync(join(tmpdir(), 'tfjs-')) // outside: no node_modules above it
  t.teardown(() => {
    restore()
    rmSync(site, { recursive: true })
  })
  const why = async (name: string) => (await backend(name)).unavailable()
  process.env['UPF_HEDS_TFJS'] = site
  t.equal(
    await why('tfjs:node-gpu'),
    `@tensorflow/tfjs-node-gpu is not installed in ${site} (UPF_HEDS_TFJS)`,
  )
  t.match(await why('tfjs:webgpu'), /^@tensorflow\/tfjs-core is not installed in/)
  await t.rejects(chooseBackend('tfjs'), {
    kind: 'USAGE',
    message: /"tfjs".*tfjs:node-gpu does not load.*tfjs:cpu do not load/,
  })

  const packages = join(site, 'node_modules', '@tensorflow')
  const install = (name: string, source: string) => {
    mkdirSync(join(packages, name), { recursive: true })
    writeFileSync(join(packages, name, 'index.js'), source)
  }
  install('tfjs-node', 'throw new Error("no addon\\nhere")')
  t.equal(await why('tfjs:node'), 'no addon')
  install('tfjs-node', 'process.abort()')
  t.match(await why('tfjs:node'), /^ended by SIGABRT/)
  install('tfjs-node-gpu', 'exports.enableProdMode = () => {}; exports.backend = () => ({})')
  t.match(await why('tfjs:node-gpu'), /^TensorFlow finds no CUDA GPU/)
  const auto = await chooseBackend('auto')
  t.notMatch(auto.backend.name, /^tfjs/)
  t.match(auto.why, /tfjs:node-gpu does not load: TensorFlow finds no CUDA GPU/)
})

t.test('packages are found in the folder that UPF_HEDS_TFJS names', async t => {
  t.teardown(restore)
  for (const folder of ['.', 'node_modules']) {
    process.env['UPF_HEDS_TFJS'] = folder
    const found = await backend('tfjs:cpu')
    t.equal(await found.unavailable(), undefined)
    t.match(await found.library?.(), /^@tensorflow\/tfjs-backend-cpu \d+\.\d+\.\d+ \(\//)
  }
})

t.test('tfjs:node computes where util.isNullOrUndefined is gone', { skip: node ?? false }, t => {
  const gone = `data:text/javascript,import util from 'node:util'; delete util.isNullOrUndefined`
  const probe = 'dist/src/train/backends/tfjs-probe.js'
  const { stdout, status } = spawnSync(process.execPath, ['--import', gone, probe, 'node'])
  t.same({ said: stdout.toString(), status }, { said: '', status: 0 })
  t.end()
})

t.test('the installer wants a TensorFlow that it can link, before it makes anything', async t => {
  const site = t.testdir({ empty: {} })
  const script = 'scripts/install-tfjs-gpu.mjs'
  const args = [script, join(site, 'tfjs'), '--tensorflow', join(site, 'empty')]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.equal(status, 2)
  t.equal(
    stderr,
    `install-tfjs-gpu: ${join(site, 'empty')} has no include/tensorflow/c/c_api.h, ` +
      'want a TensorFlow of Python or libtensorflow\n',
  )
  t.notOk(existsSync(join(site, 'tfjs')))
})
