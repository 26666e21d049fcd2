import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { requirePlace, writePage } from '../../src/analysis/report-file.js'

const page = (what: string) => `<!doctype html><title>EXP001: sweep of ${what}</title>`

t.test('a page is written where a link leads, and the link stays', t => {
  const folder = t.testdir({
    'page.html': page('old'),
    'link.html': t.fixture('symlink', 'page.html'),
  })
  const link = join(folder, 'link.html')
  requirePlace(link)
  t.ok(writePage(link, page('new'), true))
  t.ok(fs.lstatSync(link).isSymbolicLink())
  t.equal(fs.readFileSync(join(folder, 'page.html'), 'utf8'), page('new'))
  t.end()
})

t.test('a device is written to, and stays one', t => {
  const folder = t.testdir({ null: t.fixture('symlink', '/dev/null') })
  const path = join(folder, 'null')
  requirePlace(path)
  t.ok(writePage(path, page('none'), true))
  t.ok(fs.statSync(path).isCharacterDevice())
  t.strictSame(fs.readdirSync(folder), ['null'])
  t.end()
})

t.test('what is no place for a page is refused before it is made', t => {
  const folder = t.testdir({ notes: 'mine', sub: {} })
  for (const [name, why] of [
    ['notes', /notes: is there, and is no report/],
    ['sub', /sub: is there, and is no report/],
    ['nowhere/page.html', /page.html: cannot be written: there is no folder .*nowhere$/],
  ] as const)
    t.throws(() => requirePlace(join(folder, name)), { kind: 'USAGE', message: why })
  t.equal(fs.readFileSync(join(folder, 'notes'), 'utf8'), 'mine')
  t.end()
})
