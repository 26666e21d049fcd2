import * as fs from 'node:fs'
import { basename, join } from 'node:path'
import { codeOf } from '../base/errors.js'
import { writeAtomicSync } from '../base/files.js'
import type { RunId } from '../base/ids.js'
import * as layout from './layout.js'
import type { Restart } from './restart.js'

/**
 * Bring RUNs of an earlier EXP into a new one. Files are never written in place but replaced by rename,
 * so a hard link shares them safely; what is appended to is copied. The old EXP is not touched.
 */
export function carryOver(exp: string, restart: Restart): void {
  writeAtomicSync(layout.restartFile(exp), `${restart.from}\n`)
  for (const id of restart.finished) bring(layout.run(restart.from, id), layout.run(exp, id))
  for (const id of [...restart.unfinished, ...restart.extended]) {
    const from = layout.ckpts(restart.from, id)
    if (!fs.existsSync(from)) continue
    fs.mkdirSync(layout.run(exp, id))
    bring(from, layout.ckpts(exp, id))
  }
  for (const id of restart.drifted)
    if (fs.existsSync(layout.run(restart.from, id)))
      bring(layout.run(restart.from, id), stalePlace(exp, id))
}

/** `resume` found a marker that is not valid: what lies there is put aside, its checkpoints stay. */
export function setAside(exp: string, id: RunId): string {
  const place = stalePlace(exp, id)
  fs.mkdirSync(place)
  for (const name of fs.readdirSync(layout.run(exp, id)))
    if (name !== layout.RUN_FILES.ckpts)
      fs.renameSync(join(layout.run(exp, id), name), join(place, name))
  return place
}

function stalePlace(exp: string, id: RunId): string {
  fs.mkdirSync(layout.stale(exp), { recursive: true })
  for (let n = 1; ; n++) {
    const place = join(layout.stale(exp), `${id}-${n}`)
    if (!fs.existsSync(place)) return place
  }
}

/** What grows in place must not be shared. */
const APPENDED = new Set(['ckpt.log', layout.RUN_FILES.performance])
/** What a link refuses and a copy can do. */
const COPY_INSTEAD = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EACCES'])

/** A tree, by hard links; work directories of dead attempts stay behind. */
function bring(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true })
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) {
      if (!entry.name.startsWith('work-')) bring(source, target)
    } else if (entry.isSymbolicLink()) {
      // upstream's links are absolute and lead into the old EXP; ours stay inside the RUN
      fs.symlinkSync(join('epochs', basename(fs.readlinkSync(source))), target)
    } else if (!entry.name.startsWith('.')) linkOrCopy(source, target)
  }
}

function linkOrCopy(source: string, target: string): void {
  if (!APPENDED.has(basename(source)))
    try {
      fs.linkSync(source, target)
      return
    } catch (error) {
      if (!COPY_INSTEAD.has(codeOf(error) ?? '')) throw error
    }
  fs.copyFileSync(source, target)
}
