import t from 'tap'
import { loadable } from './loadable.js'
import { backend, backendNames, chooseBackend } from '../../src/train/backends/registry.js'

t.test('auto takes the first that loads and says why', async t => {
  const { backend: chosen, why } = await chooseBackend('auto')
  t.equal(chosen.name, loadable[0]!.name)
  t.match(why, /^[a-z:]+: the fastest that loads here/)
})

t.test('without a library auto goes on with ort, and says in one line why', async t => {
  t.teardown(() => Reflect.deleteProperty(process.env, 'UPF_HEDS_BLAS'))
  process.env['UPF_HEDS_BLAS'] = '/nowhere/libdnnl.so'
  const { backend: chosen, why } = await chooseBackend('auto')
  t.equal(chosen.name, 'ort')
  t.match(
    why,
    /^ort: the fastest.*; blas:onednn does not load: UPF_HEDS_BLAS: \/nowhere\/libdnnl.so: /,
  )
  t.notMatch(why, '\n')
  await t.rejects(chooseBackend('blas'), { kind: 'USAGE', message: /"blas".*blas:blis does not/ })
})

t.test('a library of another kind is told by its functions', async t => {
  t.teardown(() => Reflect.deleteProperty(process.env, 'UPF_HEDS_BLAS'))
  process.env['UPF_HEDS_BLAS'] = 'libm.so.6'
  for (const name of backendNames.filter(each => each.startsWith('blas:')))
    t.match(await (await backend(name)).unavailable(), /^UPF_HEDS_BLAS: libm.so.6: .*function/)
})

t.test('a backend is found by its name', async t => {
  for (const name of backendNames) t.equal((await backend(name)).name, name)
  t.match(await chooseBackend('ort'), { backend: { name: 'ort' }, why: 'ort: asked for' })
})

t.test('an unknown name is refused with those that exist', async t => {
  const refusal = {
    name: 'HedError',
    kind: 'USAGE',
    message: /"abacus".*auto, blas or one of: .*ort/,
  }
  await t.rejects(chooseBackend('abacus'), refusal)
  await t.rejects(backend('abacus'), refusal)
  await t.rejects(backend('constructor'), { name: 'HedError' })
})
