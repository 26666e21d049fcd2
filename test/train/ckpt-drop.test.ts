import * as fs from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dropModels } from '../../src/train/ckpt-drop.js'

const info = () => ({ 'ckpt-info.json': '{}' })

/** Epochs 1 to 5, the second with more than one model; and links as given. */
function ckpts(t: Test, links: Readonly<Record<string, string>>): string {
  const epoch = () => ({ ...info(), 'model.h5': 'four' })
  return t.testdir({
    epochs: {
      '001': epoch(),
      '002': { ...epoch(), 'state.h5': 'four', 'best-val-loss.h5': 'four' },
      '003': epoch(),
      '004': epoch(),
      '005': epoch(),
      '006': info(), // its model went before
    },
    ...Object.fromEntries(Object.entries(links).map(([n, to]) => [n, t.fixture('symlink', to)])),
  })
}

const left = (folder: string) =>
  fs
    .readdirSync(join(folder, 'epochs'))
    .filter(name => fs.existsSync(join(folder, 'epochs', name, 'model.h5')))

t.test('the newest stay, and what best and last name', async t => {
  const folder = ckpts(t, { best: 'epochs/002', last: 'epochs/005' })
  const wanted = { models: [1, 2, 3, 4, 5], dropped: [1, 3], bytes: 8 }
  t.same(await dropModels(folder, 2, true), wanted)
  t.equal(left(folder).length, 5, 'a dry run removes nothing')
  t.same(await dropModels(folder, 2, false), wanted)
  t.same(left(folder), ['002', '004', '005'])
  t.equal(fs.readdirSync(join(folder, 'epochs')).length, 6)
  for (const name of fs.readdirSync(join(folder, 'epochs')))
    t.ok(fs.existsSync(join(folder, 'epochs', name, 'ckpt-info.json')), 'how training went')
})

t.test('where no link says which one is needed, the newest stays', async t => {
  for (const links of [{}, { best: 'epochs/009', last: 'epochs/010' }]) {
    const folder = ckpts(t, links)
    t.match(await dropModels(folder, 0, false), { dropped: [1, 2, 3, 4] })
    t.same(left(folder), ['005'])
  }
})

t.test('where one of the links leads nowhere, the newest stays too', async t => {
  const folder = ckpts(t, { best: 'epochs/002', last: 'epochs/009' })
  t.match(await dropModels(folder, 0, false), { dropped: [1, 3, 4] })
  t.same(left(folder), ['002', '005'])
})

t.test('all that an epoch has of models goes with it', async t => {
  const folder = ckpts(t, { best: 'epochs/005', last: 'epochs/005' })
  t.match(await dropModels(folder, 0, false), { dropped: [1, 2, 3, 4], bytes: 24 })
  t.same(fs.readdirSync(join(folder, 'epochs/002')), ['ckpt-info.json'])
})

t.test('links are followed wherever they lead: into another EXP, over another link', async t => {
  const other = ckpts(t, { best: '/lus/out/EXP283/run/RUN000/ckpts/epochs/002', last: 'kept' })
  fs.symlinkSync('epochs/003', join(other, 'kept'))
  await dropModels(other, 0, false)
  t.same(left(other), ['002', '003'])
})

t.test('without links the newest stay; without checkpoints nothing happens', async t => {
  const folder = ckpts(t, {})
  await dropModels(folder, 1, false)
  t.same(left(folder), ['005'])
  t.same(await dropModels(join(folder, 'none'), 1, false), { models: [], dropped: [], bytes: 0 })
})
