import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { besideMarked, ownMark } from '../../src/base/mark.js'

const url = pathToFileURL(resolve('dist/src/table/table-stream.js')).href

t.test('what a killed writer leaves is removed by the next one, and nothing else', async t => {
  const folder = t.testdir({
    '.x.parquet.mine': 'a file of the user',
    '.x.parquet.1.ab12cd34.7': 'of another host, of today',
    '.x.parquet.1.ab12cd34.8': 'of another host, of last week',
    [`.x.parquet.1.ab12cd34.9.${ownMark()}`]: 'of a process that lives',
    '.y.parquet.1.ab12cd34.8': 'of another file',
  })
  const path = join(folder, 'x.parquet')
  const kept = fs.readdirSync(folder).filter(name => !name.startsWith('.x.parquet.1.ab12cd34.8'))
  const week = new Date(Date.now() - 7 * 24 * 3600_000)
  for (const name of ['.x.parquet.1.ab12cd34.8', '.y.parquet.1.ab12cd34.8', '.x.parquet.mine'])
    fs.utimesSync(join(folder, name), week, week)
  const code = `
    import { writeTable } from ${JSON.stringify(url)}
    const part = { n: { type: 'number', data: new Float64Array(9) } }
    await writeTable(${JSON.stringify(path)}, (async function* () {
      yield part
      console.log('begun')
      await new Promise(() => setInterval(() => {}, 1000))
    })())`
  const writer = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(writer.stdout, 'data')
  const left = () => fs.readdirSync(folder).filter(name => !kept.includes(name))
  t.equal(left().length, 1, 'the file of last week is gone, its own is there')
  const [own] = left()
  besideMarked(path)
  t.same(left(), [own], 'as long as it lives it stays')
  writer.kill('SIGKILL')
  await once(writer, 'exit')
  const next = besideMarked(path)
  t.same(left(), [])
  t.ok(next.startsWith(join(folder, '.x.parquet.')))
  t.doesNotThrow(() => besideMarked(join(folder, 'gone/x')), 'whoever writes there finds out')
})
