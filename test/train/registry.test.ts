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
  t.match(why, /^ort: the fastest that loads here; .*blas:blis do not load: UPF_HEDS_BLAS is \/now/)
  t.notMatch(why, '\n')
  t.equal(why.split('UPF_HEDS_BLAS').length, 2, 'the variable is named once')
  await t.rejects(chooseBackend('blas'), {
    kind: 'USAGE',
    message:
      /"blas".*blas:onednn, blas:mkl, blas:openblas, blas:blis do not load: UPF_HEDS_BLAS is/,
    hint: /UPF_HEDS_BLAS/,
  })
})

t.test(
  'tfjs takes the first of its kinds that loads, auto none that is slower than ort',
  async t => {
    const { backend: chosen, why } = await chooseBackend('tfjs')
    t.match(chosen.name, /^tfjs:/)
    t.match(why, /^tfjs:[a-z-]+: the fastest that loads here/)
    const { backend: taken, why: reasons } = await chooseBackend('auto')
    t.notMatch(`${taken.name} ${reasons}`, /tfjs:(node|webgpu|cpu)\b(?!-)/)
  },
)

t.test('a library of another kind is told by its functions', async t => {
  t.teardown(() => Reflect.deleteProperty(process.env, 'UPF_HEDS_BLAS'))
  process.env['UPF_HEDS_BLAS'] = 'libm.so.6'
  for (const name of backendNames.filter(each => each.startsWith('blas:')))
    t.match(
      await (await backend(name)).unavailable(),
      'UPF_HEDS_BLAS is libm.so.6: it is another library',
    )
})

t.test('a backend is found by its name', async t => {
  for (const name of backendNames) t.equal((await backend(name)).name, name)
  t.match(await chooseBackend('ort'), { backend: { name: 'ort' }, why: 'ort: asked for' })
})

t.test('an unknown name is refused with those that exist', async t => {
  const refusal = {
    name: 'HedError',
    kind: 'USAGE',
    message: /"abacus".*auto, blas, torch, tfjs or one of: .*ort/,
  }
  await t.rejects(chooseBackend('abacus'), refusal)
  await t.rejects(backend('abacus'), refusal)
  await t.rejects(backend('constructor'), { name: 'HedError' })
})

t.test(
  'for other machines a name is taken as it is, and only if there is such a backend',
  async t => {
    const { backend, why } = await chooseBackend('torch:xpu', true)
    t.equal(backend.name, 'torch:xpu')
    t.match(why, 'torch:xpu: asked for, and not looked for here')
    await t.rejects(chooseBackend('torch:tpu', true), { kind: 'USAGE', message: /no such backend/ })
  },
)

t.test('a name is itself before it is a kind', async t => {
  const refused = await chooseBackend('torch:cuda').catch((error: unknown) => error as Error)
  // here without a GPU; torch:cuda:tf32 would be another arithmetic
  if (refused instanceof Error) t.notMatch(refused.message.split(', want')[0], /tf32/)
  else t.equal(refused.backend.name, 'torch:cuda')
})
