import type { LeaderEvent } from '../engine/leader-events.js'
import { duration } from '../base/duration.js'
import { plural } from '../base/plural.js'
import { openCanvas } from './canvas.js'
import { newSweep, onEvent, remaining, type Sweep } from './sweep.js'

/** Shows a sweep while it runs: redrawn in place on a terminal, plain lines elsewhere. */
export interface View {
  event(event: LeaderEvent): void
  /** A line of our own, e.g. a warning. */
  note(text: string): void
  end(): void
}

type Output = NodeJS.WriteStream

export function openView(exp: string, out: Output = process.stdout): View {
  const sweep = newSweep(performance.now() / 1000)
  return out.isTTY ? screen(exp, sweep, out) : lines(sweep, out)
}

/** One line a change that a person would want in a log: begun, each epoch, finished, failed. */
function lines(sweep: Sweep, out: Output): View {
  const shown = new Map<string, string>()
  let gathered = ''
  const write = () => {
    out.write(gathered)
    gathered = ''
  }
  /** What comes at one moment is one write. */
  const print = (text: string) => {
    if (gathered === '') setImmediate(write)
    gathered += `${text}\n`
  }
  return {
    event: event => {
      onEvent(sweep, event)
      if (event.type === 'alert') print(`alert: ${event.text}`)
      if (event.type === 'begin' && event.finished.length > 0)
        print(`${event.finished.length} of ${plural(event.runs, 'RUN')} finished already`)
      if (event.type === 'finished') {
        const { runs } = event
        print(
          `${runs[0]} … ${runs.at(-1)}: ${plural(runs.length, 'RUN')} finished ${standing(sweep)}`,
        )
      }
      if (event.type !== 'run') return
      const text = plain(event)
      if (text === undefined || shown.get(event.run) === text) return
      shown.set(event.run, text)
      print(event.state === 'finished' ? `${text} ${standing(sweep)}` : text)
    },
    note: print,
    end: write,
  }
}

function standing(sweep: Sweep): string {
  const left = remaining(sweep, performance.now() / 1000)
  const tail = left === undefined ? '' : `, ${duration(left)} left`
  return `(${sweep.finished} of ${plural(sweep.runs, 'RUN')}${tail})`
}

type RunEvent = LeaderEvent & { type: 'run' }

function plain(event: RunEvent): string | undefined {
  const { run, state, progress } = event
  const again = event.attempt > 1 ? ` attempt ${event.attempt}` : ''
  switch (state) {
    case 'running':
      if (progress?.epoch !== undefined && progress.epoch > 0 && progress.valLoss !== undefined)
        return `${run} epoch ${progress.epoch}/${progress.epochs ?? '?'} ${losses(event)}`
      return `${run} running on rank ${event.rank ?? '?'}${again}`
    case 'finished':
      return `${run} finished: ${plural(event.epochs, 'epoch')}, ${event.reason}`
    case 'failed':
      return `${run} FAILED: ${event.reason}`
    case 'waiting':
      return `${run} ended (${event.reason}); it waits`
  }
}

function losses({ progress }: RunEvent): string {
  const number = (x: number | undefined) => (x === undefined ? '-' : x.toPrecision(4))
  return `loss ${number(progress?.loss)} val_loss ${number(progress?.valLoss)}`
}

const REDRAW_MS = 200

function screen(exp: string, sweep: Sweep, out: Output): View {
  const canvas = openCanvas(out)
  const draw = () => {
    const rows = Math.max(3, (out.rows || 24) - 5)
    canvas.draw(picture(exp, sweep, rows, out.columns || 80, performance.now() / 1000))
  }
  const timer = setInterval(draw, REDRAW_MS)
  return {
    event: event => {
      onEvent(sweep, event)
      if (event.type === 'alert') canvas.print(`alert: ${event.text}`)
      if (event.type === 'run' && event.state === 'failed') canvas.print(plain(event) ?? '')
    },
    note: text => canvas.print(text),
    end: () => {
      clearInterval(timer)
      draw()
    },
  }
}

/** What the terminal shows: running RUNs, then one line of totals. Exported for its test. */
export function picture(
  exp: string,
  sweep: Sweep,
  rows: number,
  columns: number,
  now: number,
): string[] {
  const running = [...sweep.running.values()]
  const table = running.slice(0, rows).map(event => {
    const { progress: p } = event
    const whole = (p?.epoch ?? 0) + (p?.part ?? 0)
    const share = p?.epochs ? Math.min(1, whole / p.epochs) : 0
    const epoch = `${p?.epoch ?? 0}/${p?.epochs ?? '?'}`
    const rate = p?.rate === undefined ? '' : `${Math.round(p.rate)}/s`
    return `${event.run.padEnd(10)} ${bar(share, 10)} ${(p?.phase ?? 'start').padEnd(9)} ${epoch.padStart(7)} ${losses(event)} ${rate}`
  })
  if (running.length > rows) table.push(`… and ${running.length - rows} more`)
  const left = remaining(sweep, now)
  const totals = [
    `${sweep.finished} of ${plural(sweep.runs, 'RUN')} finished`,
    ...(sweep.failed > 0 ? [`${sweep.failed} failed`] : []),
    `${running.length} running`,
    `${duration(now - sweep.begun)} elapsed`,
    ...(left === undefined ? [] : [`${duration(left)} left`]),
  ].join(', ')
  return [
    `${exp}  ${bar(sweep.runs === 0 ? 0 : sweep.finished / sweep.runs, 24)}`,
    ...table,
    totals,
  ].map(line => line.slice(0, columns - 1))
}

export function bar(share: number, width: number): string {
  const full = Math.round(share * width)
  return `[${'='.repeat(full)}${' '.repeat(width - full)}]`
}
