import { spawnSync } from 'node:child_process'
import t from 'tap'

/** The short form of the soak: other faults each day, and the seed that was drawn is in the output. */
t.test('a sweep under faults of all kinds loses nothing', async t => {
  const seed = process.env['SEED'] ?? String(Math.floor(Date.now() / 86_400_000))
  const args = ['--built', '--minutes', '0.4', '--every', '1.5', '--seed', seed]
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/chaos.mjs', ...args], {
    encoding: 'utf8',
  })
  if (status !== 0) t.comment(stdout)
  t.equal(status, 0, stderr)
  const figures = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')
  t.match(figures, { ok: true, problems: [], failed: 0, left: 0 })
  t.ok(Object.keys(figures.faults).length >= 3, 'faults did come')
})
