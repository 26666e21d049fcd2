import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { HedError } from '../base/errors.js'
import { readIfThere } from '../base/files.js'
import * as layout from './layout.js'

/**
 * The folders of an EXP that is resumed are as createExp made them; those that are gone are made again. The
 * journal is an index: without `.engine` only the story of earlier attempts is lost.
 *
 * @returns lines for people: what was mended
 * @throws HedError USAGE naming what lies there instead of a folder
 */
export function mendFolders(exp: string): string[] {
  const [engine, epochs] = [layout.engine(exp), layout.epochs(exp)]
  const before = [layout.outDirectory(exp), layout.runs(exp), engine]
  for (const folder of [...before, epochs, layout.journal(exp), dirname(layout.lockHolder(exp))])
    if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false)
      throw new HedError('USAGE', `${folder}: is no folder, as it was made`, {
        hint: 'Move away what lies there, then resume.',
      })
  const gone = before.filter(folder => !fs.existsSync(folder))
  const notes = gone.map(folder => `${folder}: was gone, and is made again`)
  for (const folder of gone) fs.mkdirSync(folder)
  if (!fs.existsSync(epochs)) {
    fs.mkdirSync(epochs)
    fs.writeFileSync(join(epochs, String(lastLeader(exp))), '')
  }
  return notes
}

/** Number of the latest leader that a RUN was given out by: the next one must have a higher one. */
function lastLeader(exp: string): number {
  const leaders = fs.readdirSync(layout.runs(exp)).map(run => {
    const text = readIfThere(join(layout.runs(exp), run, layout.RUN_FILES.rank)) ?? ''
    return Number(/^leader = (\d{1,12})$/m.exec(text)?.[1] ?? 0)
  })
  return leaders.reduce((most, leader) => Math.max(most, leader), 0)
}
