import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { upfHeds } from '../e2e/sweep.js'
import { stageRanks } from './ranks.js'
import { listing } from './trees.js'

t.test(
  'what is gone from the source stays, with --delete it goes: no more than was staged',
  async t => {
    const cwd = t.testdir({
      data: { kept: 'a', gone: 'b', sub: { deep: { gone: 'c' } }, mixed: { gone: 'd' } },
      other: 'e',
    })
    const stage = async (paths: string[], ...args: string[]) => {
      for (const { status, stderr } of await stageRanks(cwd, paths, 2, { args }).ended)
        t.match({ status, stderr }, { status: 0, stderr: '' })
    }
    await stage(['data', 'other'])
    for (const n of [0, 1]) {
      fs.writeFileSync(join(cwd, `n${n}/data/mixed/mine`), 'not staged')
      fs.writeFileSync(join(cwd, `n${n}/mine`), 'not staged')
    }
    for (const name of ['gone', 'sub', 'mixed'])
      fs.rmSync(join(cwd, 'data', name), { recursive: true })
    fs.writeFileSync(join(cwd, 'data/new'), 'f')
    const names = (n: number) => listing(join(cwd, `n${n}`)).map(line => line.split(' ')[0])
    const mine = ['data/mixed/', 'data/mixed/mine', 'data/new', 'mine', 'other']
    await stage(['data'])
    const all = ['data/', 'data/gone', 'data/kept', 'data/mixed/', 'data/mixed/gone']
    for (const n of [0, 1])
      t.strictSame(
        names(n).sort(),
        [...all, ...mine.slice(1), 'data/sub/', 'data/sub/deep/', 'data/sub/deep/gone'].sort(),
      )
    await stage(['data'], '--delete')
    for (const n of [0, 1]) t.strictSame(names(n), ['data/', 'data/kept', ...mine], 'other stays')
    await stage(['data'], '--delete')
  },
)

t.test('nothing outside is removed through a link that has taken a folder’s place', t => {
  const cwd = t.testdir({ data: { kept: 'a', sub: { file: 'b' } }, out: { file: 'precious' } })
  const stage = (...args: string[]) => upfHeds(['stage', 'data', 'n0', ...args], cwd)
  t.equal(stage().status, 0)
  fs.rmSync(join(cwd, 'data/sub'), { recursive: true })
  fs.rmSync(join(cwd, 'n0/data/sub'), { recursive: true })
  fs.symlinkSync('../../out', join(cwd, 'n0/data/sub'))
  t.equal(stage('--delete').status, 0)
  t.equal(fs.readFileSync(join(cwd, 'out/file'), 'utf8'), 'precious')
  t.end()
})

t.test('a folder staged into itself is refused, and nothing is made in it', t => {
  const cwd = t.testdir({ st: { a: { file: 'text' } } })
  fs.symlinkSync('a', join(cwd, 'st/link'))
  for (const to of ['st/a/new', 'st/a/new/er', 'st/link/new', 'st']) {
    const { status, stderr } = upfHeds(['stage', 'st/a', to], cwd)
    t.equal(status, 2, to)
    t.match(stderr, /^upf-heds: st\/a: is, or holds, what it shall be staged to: .*\nhint: .*\n$/)
  }
  t.strictSame(fs.readdirSync(join(cwd, 'st/a')), ['file'])
  t.end()
})
