import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { gzip } from '../../src/base/gzip.js'

async function packed(chunks: readonly Buffer[], level = 1): Promise<Buffer> {
  async function* content() {
    yield* chunks
  }
  const parts: Buffer[] = []
  for await (const part of gzip(content(), level)) parts.push(part)
  return Buffer.concat(parts)
}

const MB = 2 ** 20
const line = Buffer.from('ACH-000001,0.123456,0.654321\n')
const CONTENTS = {
  nothing: Buffer.alloc(0),
  'one byte': Buffer.from('a'),
  'a piece to the byte': Buffer.alloc(MB, line),
  'a piece and a byte': Buffer.alloc(MB + 1, line),
  'what cannot be pressed': randomBytes(3 * MB),
  'many pieces': Buffer.alloc(9 * MB + 77, line),
}

for (const [what, content] of Object.entries(CONTENTS))
  t.test(`${what}: comes out as it went in`, async t => {
    const file = await packed([content])
    t.ok(gunzipSync(file).equals(content), 'by zlib')
    // GNU gzip tells of what is behind the end, and of a sum that is wrong
    const { status, stdout, stderr } = spawnSync('gzip', ['-dc'], {
      input: file,
      maxBuffer: 2 ** 28,
    })
    t.match({ status, stderr: stderr.toString() }, { status: 0, stderr: '' })
    t.ok(stdout.equals(content), 'by gzip')
    if (content.length > MB) t.ok(file.length < content.length * 1.001)
    const cut = Math.floor(content.length / 3)
    const again = await packed([content.subarray(0, cut), content.subarray(cut), Buffer.alloc(0)])
    t.ok(again.equals(file), 'however it comes in')
  })

t.test('what its content says when it cannot be read is said', async t => {
  async function* broken() {
    yield Buffer.alloc(5 * MB)
    throw new Error('no such file')
  }
  await t.rejects(async () => {
    const stream = gzip(broken(), 1)
    while (!(await stream.next()).done) continue
  }, /no such file/)
})
