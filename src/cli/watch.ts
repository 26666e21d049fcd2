import { setTimeout as sleep } from 'node:timers/promises'
import { progressOf, type Progress } from '../analysis/progress.js'
import { clock } from '../base/log.js'
import type { Experiment } from '../experiment/exp.js'
import { readLeaderSign, readLiveStatus } from '../experiment/live-status.js'
import { openCanvas } from './canvas.js'
import { hasLeft } from './print.js'
import { changes, lastLine, picture } from './watch-text.js'

/** A moment later is soon enough for people. */
const LOOK_MS = 1000
/** A leader that was just started, or is started again, may be missing for so long. */
const GRACE_MS = 5000
/** One on another host that did not raise its counter for so long is gone: as lock.ts has it. */
const STILL_MS = 30_000

/** How an EXP stands, with what its leader says where it can be asked. */
export async function look(exp: Experiment, verify = false): Promise<Progress> {
  const live = await readLiveStatus(exp.path)
  return progressOf(exp, { live, sign: readLeaderSign(exp.path) }, verify)
}

/**
 * Show how a sweep goes until it is over: redrawn on a terminal, else a line a change.
 * @param json one line of JSON a look instead
 * @param isLed whether anybody leads, or may soon
 * @returns how it stood at the end
 */
export async function watch(exp: Experiment, json: boolean, isLed = signs(exp)): Promise<Progress> {
  const show = json ? jsonLines() : process.stdout.isTTY ? screen(process.stdout) : lines()
  for (;;) {
    const begun = performance.now()
    const found = await look(exp)
    const isOver = !isLed(found)
    show(found, isOver)
    // a reader that has gone away (`| head`) wants no more
    if (isOver || hasLeft(process.stdout)) return found
    // counting a large journal again and again would be no light load
    await sleep(Math.max(LOOK_MS, 10 * (performance.now() - begun)))
  }
}

/** @returns a function that says whether anybody leads, or may soon */
function signs(exp: Experiment): (found: Progress) => boolean {
  let counter = -1
  let seen = performance.now()
  return ({ led, ended }) => {
    const now = performance.now()
    if (led === true) seen = now
    else if (led === null) {
      const found = readLeaderSign(exp.path)?.counter ?? counter
      if (found !== counter) seen = now
      counter = found
      return now - seen < STILL_MS
    }
    return ended === null && now - seen < GRACE_MS
  }
}

type Show = (found: Progress, isOver: boolean) => void

function jsonLines(): Show {
  return found => process.stdout.write(`${JSON.stringify(found)}\n`)
}

function lines(): Show {
  let before: Progress | undefined
  return (found, isOver) => {
    const text = [...changes(before, found), ...(isOver ? [lastLine(found)] : [])]
    const time = clock(new Date()).slice(11)
    process.stdout.write(text.map(line => `${time} ${line}\n`).join(''))
    before = found
  }
}

function screen(out: NodeJS.WriteStream): Show {
  const canvas = openCanvas(out)
  let redraw: (() => void) | undefined
  return (found, isOver) => {
    if (redraw) out.off('resize', redraw)
    redraw = () => {
      const text = picture(found, (out.rows || 24) - 2, out.columns || 80)
      canvas.draw(isOver ? [...text, lastLine(found)] : text)
    }
    redraw()
    if (!isOver) out.on('resize', redraw) // at once, not with the next look
  }
}
