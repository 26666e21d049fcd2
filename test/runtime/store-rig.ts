import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import { sha256 } from '../../src/base/digest.js'
import { createImage } from '../../src/runtime/pack.js'
import { factsFile, imageFile, listFile, type Facts } from '../../src/runtime/store.js'

/** A folder of images, and an image of a folder. */
export async function pack(
  dir: string,
  folder: string | undefined,
  more: { name?: string; latest?: boolean; runtime?: boolean } = {},
): Promise<{ facts: Facts; file: string; again: boolean }> {
  const { facts, again } = await createImage({
    ...{ dir, folder, root: resolve('.'), version: '0.0.0' },
    ...{ name: undefined, latest: false, runtime: false, ...more },
  })
  return { facts, file: imageFile(dir, facts.digest), again }
}

/** An archive as nobody should have made it, put among the images with the digest that it has. */
export function forge(dir: string, archive: string): string {
  const bytes = fs.readFileSync(archive)
  const digest = sha256(bytes)
  const file = imageFile(dir, digest)
  fs.mkdirSync(join(dir, 'images'), { recursive: true })
  fs.copyFileSync(archive, file)
  fs.writeFileSync(listFile(file), `sha256:${digest}\n`)
  const facts: Facts = {
    ...{ digest, bytes: bytes.length, unpacked: 0, files: 0, folders: 0, links: 0, source: '' },
    ...{ version: '', runtime: false, bin: false, python: '', created: '2026-01-01T00:00:00Z' },
  }
  fs.writeFileSync(factsFile(file), JSON.stringify(facts))
  return file
}

export function run(t: Test, program: string, ...args: string[]): string {
  const ended = spawnSync(program, args, { encoding: 'utf8' })
  t.equal(ended.status, 0, `${program} ${args.join(' ')}: ${ended.stderr}`)
  return ended.stdout
}

/** All that a copy of a folder should have too: names as bytes, types, modes, times, contents, which are one file. */
export function portrait(root: string, without: readonly string[] = []): string[] {
  const first = new Map<number, string>()
  const look = (path: string): string[] =>
    fs
      .readdirSync(Buffer.from(`${root}/${path}`, 'latin1'), { encoding: 'latin1' })
      .sort()
      .filter(name => !without.includes(name))
      .flatMap(name => {
        const inner = path === '' ? name : `${path}/${name}`
        const at = Buffer.from(`${root}/${inner}`, 'latin1')
        const stat = fs.lstatSync(at)
        const mode = (stat.mode & 0o7777).toString(8)
        if (stat.isDirectory()) return [`${inner} folder ${mode}`, ...look(inner)]
        if (stat.isSymbolicLink()) return [`${inner} -> ${fs.readlinkSync(at)}`]
        const same = first.get(stat.ino) ?? inner
        first.set(stat.ino, same)
        const text = sha256(fs.readFileSync(at))
        return [`${inner} ${mode} ${Math.floor(stat.mtimeMs / 1000)} ${text} ${same}`]
      })
  return look('')
}
