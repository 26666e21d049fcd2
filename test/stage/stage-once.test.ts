import * as fs from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { stageOnce } from '../../src/stage/node-local.js'

const ROUNDS = 60
const TOGETHER = 6

const fill = async (folder: string) => {
  await writeFile(join(folder, 'a'), 'whole')
  await new Promise(resolve => setTimeout(resolve, Math.random() * 2))
}
const verify = async (folder: string) => {
  if ((await readFile(join(folder, 'a'), 'utf8')) !== 'whole') throw new Error('not as staged')
}

for (const before of ['nothing', 'a spoilt tree'])
  t.test(`many who stage at once, where ${before} is: the first tree stays for all`, async t => {
    for (let round = 0; round < ROUNDS; round++) {
      const root = t.testdir(before === 'nothing' ? {} : { tree: { a: 'spoilt' } })
      const target = join(root, 'tree')
      fs.chmodSync(root, 0o700)
      if (before !== 'nothing') fs.chmodSync(target, 0o700)
      const seen = await Promise.all(
        Array.from({ length: TOGETHER }, async () => {
          const how = await stageOnce(target, verify, fill)
          return { how, inode: fs.statSync(target).ino }
        }),
      )
      const inodes = new Set(seen.map(({ inode }) => inode))
      if (inodes.size > 1) t.strictSame(seen, 'one tree', 'who has a tree keeps it')
      const left = fs.readdirSync(root)
      if (left.length > 1) t.strictSame(left, ['tree'], 'nothing is left beside it')
      const staged = seen.filter(({ how }) => how === 'staged').length
      if (staged !== 1) t.equal(staged, 1, 'one of them staged it')
    }
    t.pass(`${ROUNDS} rounds`)
  })
