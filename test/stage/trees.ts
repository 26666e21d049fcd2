import { createHash, randomFillSync } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'

/** A folder with files of all sizes around a chunk, empty ones, many small ones, links and folders. */
export function makeTree(folder: string, bytes = 9 << 20): void {
  const file = (name: string, size: number, mode = 0o644) => {
    const content = Buffer.alloc(size)
    randomFillSync(content)
    fs.writeFileSync(join(folder, name), content, { mode })
  }
  fs.mkdirSync(join(folder, 'sub/deep'), { recursive: true })
  fs.mkdirSync(join(folder, 'empty'))
  file('big', bytes + 12345)
  file('chunk', 1 << 20, 0o755)
  file('more', (1 << 20) + 1)
  file('none', 0)
  for (let i = 0; i < 200; i++) file(`sub/deep/small-${i}`, i * 7)
  fs.symlinkSync('../big', join(folder, 'sub/link'))
}

/** Everything in a folder that must be the same after staging: one line a name. */
export function listing(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true })
    .map(name => name.toString())
    .sort()
    .filter(name => !name.startsWith('.upf-heds-stage'))
    .map(name => {
      const path = join(folder, name)
      const stats = fs.lstatSync(path)
      const mode = (stats.mode & 0o777).toString(8)
      if (stats.isSymbolicLink()) return `${name} -> ${fs.readlinkSync(path)}`
      if (stats.isDirectory()) return `${name}/ ${mode}`
      const digest = createHash('sha256').update(fs.readFileSync(path)).digest('hex')
      return `${name} ${mode} ${Math.round(stats.mtimeMs)} ${digest}`
    })
}

export function privateFolder(path: string): string {
  fs.mkdirSync(path, { recursive: true, mode: 0o700 })
  return path
}
