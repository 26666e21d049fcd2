import * as Plot from '@observablehq/plot'
import type { Bar, LeaderLife as Life, Machine } from '../src/analysis/report/content.js'
import { el } from './dom.js'
import { clock, seconds } from './format.js'

/** Colours that also those tell apart who see red and green alike; the tip and the table name each fate. */
export const FATE_COLOURS: Readonly<Record<string, string>> = {
  finished: 'var(--accent)',
  failed: '#d55e00',
  'no-marker': '#e69f00',
  crashed: '#c9358a',
  'out-of-memory': '#9b59b6',
  hung: '#a6761d',
  'node-lost': 'var(--ink)',
  'no-disk': '#808080',
  'bad-data': '#d7394a',
  walltime: '#009e73',
  stopped: '#1b9e9e',
  unknown: 'var(--muted)',
}

/** More bars than this are drawn as what they look like from afar. */
export const MANY = 3000

interface Drawn extends Bar {
  /** Attempts that it stands for. */
  readonly many: number
}

/** A row a rank, a bar an attempt; what is empty is idle. */
export function gantt(
  { machine, runs }: { machine: Machine; runs: readonly { readonly run: string }[] },
  selected: readonly number[],
  onSelect: (run: number) => void,
  width: number,
): HTMLElement {
  const { lanes, lives } = machine
  const unit = machine.seconds > 3 * 3600 ? 3600 : machine.seconds > 300 ? 60 : 1
  const row = Math.min(18, Math.max(560, Math.min(1200, lanes.length)) / lanes.length)
  const bars =
    machine.bars.length > MANY ? merged(machine, width) : machine.bars.map(b => ({ ...b, many: 1 }))
  const fates = [...new Set(bars.map(b => b.fate ?? 'unknown'))]
  const title = (b: Drawn) => {
    const { rank, host } = lanes[b.lane]!
    const what = b.many > 1 ? `${b.many} RUNs` : `${runs[b.run]!.run}, attempt ${b.attempt}`
    return `${what}: ${b.fate ?? 'no end known'}\nrank ${rank} on ${host}\n${seconds(b.to - b.from)}, from ${seconds(b.from)} on${b.message === '' || b.fate === 'finished' ? '' : `\n${b.message}`}`
  }
  const every = Math.ceil(lanes.length / Math.max(1, Math.floor((row * lanes.length) / 13)))
  // names that would lie upon another are left out; the lines stay
  let before = -Infinity
  const resumed = lives.slice(1).filter(({ from }) => {
    const isFree = (from - before) / machine.seconds > 150 / width
    if (isFree) before = from
    return isFree
  })
  const plot = Plot.plot({
    ...{
      width,
      height: 66 + row * lanes.length,
      marginLeft: 56,
      marginRight: 12,
      marginTop: 24,
      marginBottom: 40,
    },
    x: {
      label: `${unit === 3600 ? 'hours' : unit === 60 ? 'minutes' : 'seconds'} of the sweep →`,
      domain: [0, machine.seconds / unit],
      grid: true,
    },
    y: {
      type: 'band',
      domain: lanes.map((_, i) => i),
      ...{ label: 'rank', padding: row > 6 ? 0.15 : 0, tickSize: 0, round: row > 6 },
      tickFormat: (i: number) => (i % every === 0 ? `${lanes[i]!.rank}` : ''),
    },
    color: {
      domain: fates,
      range: fates.map(f => FATE_COLOURS[f] ?? 'var(--muted)'),
      legend: fates.length > 1,
    },
    marks: [
      Plot.barX(bars, {
        ...{ x1: (b: Drawn) => b.from / unit, x2: (b: Drawn) => b.to / unit, y: 'lane' },
        fill: (b: Drawn) => b.fate ?? 'unknown',
        insetRight: 0.4,
      }),
      Plot.barX(
        bars.filter(b => b.many === 1 && selected.includes(b.run)),
        {
          ...{ x1: (b: Drawn) => b.from / unit, x2: (b: Drawn) => b.to / unit, y: 'lane' },
          ...{ fill: 'none', stroke: 'var(--ink)', strokeWidth: 1.8, pointerEvents: 'none' },
        },
      ),
      Plot.ruleX(lives.slice(1), {
        x: (l: Life) => l.from / unit,
        stroke: 'var(--ink)',
        strokeDasharray: '3 3',
      }),
      ...(['start', 'end'] as const).map(textAnchor =>
        Plot.text(
          resumed.filter(l => (textAnchor === 'end') === l.from > machine.seconds / 2),
          {
            ...{ x: (l: Life) => l.from / unit, frameAnchor: 'top', dy: -14, textAnchor },
            text: (l: Life) => `resumed ${clock(l.time)}`,
          },
        ),
      ),
    ],
  })
  return withTips(plot as HTMLElement, bars, title, bar => {
    if (bar.many === 1) onSelect(bar.run)
  })
}

/** Plot's own tips look for the nearest middle, which of long bars is seldom that under the pointer. */
function withTips(
  plot: HTMLElement,
  bars: readonly Drawn[],
  title: (bar: Drawn) => string,
  onClick: (bar: Drawn) => void,
): HTMLElement {
  const tip = el('div', { class: 'tip', hidden: true })
  const place = el('div', { class: 'gantt' }, plot, tip)
  const group = plot.querySelector('[aria-label=bar]')
  // Plot leaves the index of its bar with each rectangle
  const barOf = ({ target }: Event) =>
    target instanceof SVGRectElement && target.parentNode === group
      ? bars[(target as unknown as { __data__: number }).__data__]
      : undefined
  place.addEventListener('pointermove', event => {
    const bar = barOf(event)
    tip.hidden = bar === undefined
    if (!bar) return
    tip.textContent = title(bar)
    const { left, top, width } = place.getBoundingClientRect()
    const x = event.clientX - left
    tip.style.left = `${Math.max(0, Math.min(x + 12, width - tip.offsetWidth))}px`
    tip.style.top = `${event.clientY - top + 16}px`
  })
  place.addEventListener('pointerleave', () => {
    tip.hidden = true
  })
  place.addEventListener('click', event => {
    const bar = barOf(event)
    if (bar) onClick(bar)
  })
  return place
}

/** Neighbours on a lane with less than a pixel between them and the same fate are one. */
function merged({ bars, seconds: whole }: Machine, width: number): Drawn[] {
  const pixel = whole / width
  const last = new Map<number, { -readonly [K in keyof Drawn]: Drawn[K] }>()
  const found: Drawn[] = []
  for (const bar of bars) {
    const before = last.get(bar.lane)
    if (before?.fate === bar.fate && bar.from - before.to < pixel) {
      before.to = Math.max(before.to, bar.to)
      before.many++
      continue
    }
    const next = { ...bar, many: 1 }
    last.set(bar.lane, next)
    found.push(next)
  }
  return found
}
