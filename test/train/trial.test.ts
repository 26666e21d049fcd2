import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { askChoice, listen, tryBackend } from '../../src/train/backends/trial.js'
import { backendNames } from '../../src/train/backends/registry.js'
import { loadable } from './loadable.js'

const program = (name: string) => resolve(`dist/test/train/trials/${name}.js`)

t.test('a backend that crashes takes nothing with it and leaves its last word', async t => {
  const said = await listen([], { program: program('segfault') })
  t.strictSame(said, [
    { type: 'loaded' },
    { type: 'problem', problem: 'crashes: SIGSEGV a last word' },
  ])
})

t.test('one that hangs is ended with what it started', async t => {
  const said = await listen([], { program: program('hang'), silence: 2 })
  t.match(said, [{ type: 'library' }, { type: 'problem', problem: 'hangs: nothing for 2 s' }])
  const helper = said[0]?.type === 'library' ? said[0].library : ''
  t.match(helper, /^\d+$/)
  while (existsSync(`/proc/${helper}`)) await new Promise(done => setTimeout(done, 20))
})

t.test('a program that is not there is no trial', async t => {
  const said = await listen([], { program: program('none') })
  t.match(said, [{ type: 'problem', problem: /^ends with status 1 / }])
})

t.test('a name nobody knows is a problem in one line', async t => {
  const trial = await tryBackend('abacus', 1)
  t.match(trial, { loads: false, selfTest: null, samplesPerSecond: null, problem: /"abacus"/ })
  t.match(await askChoice('abacus'), { problem: /"abacus"/, hint: /BACKEND/ })
})

t.test('what does not load says why', async t => {
  t.teardown(() => Reflect.deleteProperty(process.env, 'UPF_HEDS_BLAS'))
  process.env['UPF_HEDS_BLAS'] = '/nowhere/libdnnl.so'
  t.match(await tryBackend('blas:onednn', 1), {
    ...{ name: 'blas:onednn', loads: false, library: null, selfTest: null },
    ...{ samplesPerSecond: null, problem: /^UPF_HEDS_BLAS is \/nowhere/ },
  })
})

t.test('auto is asked as a sweep asks it', async t => {
  t.match(await askChoice('auto'), { name: loadable[0]!.name, why: /the fastest that loads here/ })
  t.ok(backendNames.includes(loadable[0]!.name))
})
