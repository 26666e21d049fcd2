import { spawnSync } from 'node:child_process'
import t from 'tap'

// Every safeguard of scripts/mutations*.mjs taken out, one at a time: some test must fail without it.
t.test('no safeguard can be taken out unnoticed', async t => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/mutate.mjs'], {
    encoding: 'utf8',
  })
  const bad = stdout.split('\n').filter(line => !line.startsWith('killed'))
  t.equal(status, 0, [...bad, stderr].join('\n'))
  t.match(stdout, /^[5-9]\d killed, 0 survived, 0 cannot be made$/m)
})
