import t from 'tap'
import { backend, backendNames, chooseBackend } from '../../src/train/backends/registry.js'

t.test('auto takes a backend that loads and says why', async t => {
  const { backend: chosen, why } = await chooseBackend('auto')
  t.equal(chosen.name, 'ort')
  t.match(why, /^ort: .*fastest/)
  t.equal(await chosen.unavailable(), undefined)
})

t.test('a backend is found by its name', async t => {
  for (const name of backendNames) t.equal((await backend(name)).name, name)
  t.match(await chooseBackend('ort'), { backend: { name: 'ort' }, why: 'ort: asked for' })
})

t.test('an unknown name is refused with those that exist', async t => {
  const refusal = { name: 'HedError', kind: 'USAGE', message: /"abacus".*auto, blas or one of: .*ort/ }
  await t.rejects(chooseBackend('abacus'), refusal)
  await t.rejects(backend('abacus'), refusal)
  await t.rejects(backend('constructor'), { name: 'HedError' })
})
