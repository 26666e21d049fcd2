import { join } from 'node:path'
import t from 'tap'
import { hostsOf } from '../../src/sites/hosts.js'

t.test('hosts by name, by file, or of the allocation; each once, in order', async t => {
  const cwd = t.testdir({
    hosts: '# ours\nn3\nn1:4\n\nn2 slots=4  # the new one\nn3\n',
    none: '# nobody\n',
    pbs: 'a.site\na.site\nb.site\n',
  })
  t.strictSame(hostsOf('h2,h1, h2', {}), ['h2', 'h1'])
  t.strictSame(hostsOf(join(cwd, 'hosts'), {}), ['n3', 'n1', 'n2'])
  const env = { PBS_NODEFILE: join(cwd, 'pbs') }
  t.strictSame(hostsOf('', env), ['a.site', 'b.site'])
  t.strictSame(hostsOf('h1', env), ['h1'], 'what is given goes first')
  t.strictSame(hostsOf('', {}), [])
  t.throws(() => hostsOf(join(cwd, 'none'), {}), { kind: 'USAGE', message: /no host is named/ })
  t.throws(() => hostsOf(join(cwd, 'nowhere'), {}), { kind: 'USAGE', message: /no file .*nowhere/ })
})
