import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { serveStatus, statusPath } from '../../src/engine/status-server.js'
import type { LiveStatus } from '../../src/experiment/live-status.js'

const nothing = () => ({}) as LiveStatus

t.test(
  'a path that the kernel would cut is not listened at, and nothing is left of it',
  async t => {
    const root = join(t.testdir({}), 'x'.repeat(100))
    const path = statusPath(root, 'EXP001-0123456789ab', 1)
    const server = await serveStatus(path, nothing)
    t.equal(server.path, '')
    server.close()
    t.notOk(fs.existsSync(dirname(path)))
  },
)

t.test('the longest path that fits is served, and gone when closed', async t => {
  const root = fs.mkdtempSync('/tmp/s-')
  t.teardown(() => fs.rmSync(root, { recursive: true }))
  const fixed = Buffer.byteLength(statusPath(join(root, 'x'), 'EXP001-0123456789ab', 1)) - 1
  const path = statusPath(join(root, 'x'.repeat(107 - fixed)), 'EXP001-0123456789ab', 1)
  const server = await serveStatus(path, nothing)
  t.equal(server.path, path)
  t.ok(fs.existsSync(path))
  server.close()
  t.notOk(fs.existsSync(path))
})
