// Many small files in many folders, as an environment of Python packages has them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'

const PER_FOLDER = 25
const FOLDERS = 16

/** Files of 0.2 to 7 kB, 25 a folder. */
export function makeTree(root, files) {
  const bytes = randomBytes(16_384)
  for (let i = 0; i < files; i++) {
    const leaf = Math.floor(i / PER_FOLDER)
    const folder = `${root}/lib/package${Math.floor(leaf / FOLDERS)}/part${leaf % FOLDERS}`
    if (i % PER_FOLDER === 0) mkdirSync(folder, { recursive: true })
    const begin = i % 4096
    writeFileSync(`${folder}/f${i}.py`, bytes.subarray(begin, begin + 200 + ((i * 7919) % 7000)))
  }
}
