import * as Plot from '@observablehq/plot'
import { el, section } from './dom.js'
import { TIP } from './error-chart.js'
import { figure } from './figure.js'
import { count, num, plural, seconds } from './format.js'
import { nounOf, type Model } from './model.js'
import { countAxis, wholeTicks } from './ticks.js'
import { trainingChart, type Band, type Curve } from './training-chart.js'
import type { View } from './view.js'

/** Did the RUNs converge, and what does an epoch cost? @param view undefined where no RUN has predictions */
export function trainingSection(model: Model, view: View | undefined): HTMLElement {
  const bands = bandsOf(model)
  const title = 'Training'
  if (bands.length === 0)
    return section('training', title, el('p', {}, 'No RUN has finished an epoch.'))
  const shown = () =>
    view ? view.group.entries[view.entry]!.runs : [model.runs.findIndex(r => r.epochs > 0)]
  const told = model.runs.filter(r => r.epochs > 0).length
  // of one RUN they would be its line, of one epoch nothing that can be seen
  const hasBands = told > 1 && bands.length > 1
  const chart = figure({
    title: 'Loss by epoch',
    label: () =>
      `Validation loss of ${plural(bands[0]!.runs, 'RUN')}: the median goes from ${num(bands[0]!.p50)} after epoch ${bands[0]!.epoch} to ${num(bands.at(-1)!.p50)} after epoch ${bands.at(-1)!.epoch}`,
    draw: width =>
      trainingChart({
        curves: curvesOf(model, shown()),
        bands: hasBands ? bands : [],
        ...{ width, height: 320 },
      }),
    caption: () => {
      const own = shown().map(r => model.runs[r]!.run)
      const lines = `${bands.length > 1 ? 'Lines' : 'Dots'}: ${own.length > 3 ? `${own.length} RUNs` : own.join(', ')}${!view ? '' : view.group.by === 'random' ? ', chosen above' : ` of the ${nounOf(view.group.by)} chosen above`}.`
      const last = bands.at(-1)!.runs
      const grey = `Grey: val_loss of all RUNs that reached the epoch (median, quartiles, 5 and 95 %)${last < told ? `; ${plural(last, 'RUN')} reached the last` : ''}.`
      return hasBands ? `${grey} ${lines}` : lines
    },
    table: {
      name: 'val_loss by epoch',
      columns: ['epoch', 'RUNs', '5 %', '25 %', 'median', '75 %', '95 %'],
      rows: () =>
        bands.map(b => [
          b.epoch,
          b.runs,
          ...[b.p5, b.p25, b.p50, b.p75, b.p95].map(v => num(v, 4)),
        ]),
    },
  })
  view?.onSelect(chart.draw, 'soon')
  const times = epochTimes(model)
  return section(
    'training',
    title,
    el(
      'p',
      {},
      `${count(model.runs.reduce((sum, r) => sum + r.epochs, 0))} epochs in all. `,
      `How the val_loss of ${plural(model.runs.filter(r => r.convergence !== null).length, 'RUN')} went: ${convergence(model)}.`,
    ),
    chart.node,
    times,
  )
}

export function curvesOf(model: Model, runs: readonly number[]): Curve[] {
  return runs.map(r => ({ run: model.runs[r]!.run, ...model.curves(r) }))
}

/** As the command `convergence` judges them. */
function convergence({ runs }: Model): string {
  const counts = new Map<string, number>()
  for (const { convergence: status } of runs)
    if (status !== null) counts.set(status, (counts.get(status) ?? 0) + 1)
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([status, n]) => `${count(n)} ${status}`)
    .join(', ')
}

function bandsOf(model: Model): Band[] {
  const columns: number[][] = []
  for (let r = 0; r < model.runs.length; r++)
    model.curves(r).valLoss.forEach((value, e) => {
      if (Number.isFinite(value)) (columns[e] ??= []).push(value)
    })
  // a hole is an epoch of which no RUN tells
  return Array.from(columns).flatMap((found: number[] | undefined, e) => {
    if (!found) return []
    const values = found.sort((a, b) => a - b)
    const at = (q: number) => {
      const place = q * (values.length - 1)
      const below = Math.floor(place)
      const next = values[Math.min(below + 1, values.length - 1)]!
      return values[below]! + (place - below) * (next - values[below]!)
    }
    const runs = values.length
    return [
      {
        epoch: e + 1,
        runs,
        p5: at(0.05),
        p25: at(0.25),
        p50: at(0.5),
        p75: at(0.75),
        p95: at(0.95),
      },
    ]
  })
}

interface RankTimes {
  readonly rank: number
  readonly host: string
  readonly epochs: number
  readonly low: number
  readonly middle: number
  readonly high: number
}

/** A slow tile or node shows here. */
function epochTimes(model: Model): HTMLElement {
  const all: number[] = []
  const byLane = new Map<number, number[]>()
  const laneOf = new Map(
    model.machine?.bars.filter(b => b.fate === 'finished').map(b => [b.run, b.lane]),
  )
  for (let r = 0; r < model.runs.length; r++) {
    const lane = laneOf.get(r)
    for (const value of model.curves(r).seconds) {
      if (!Number.isFinite(value)) continue
      all.push(value)
      if (lane === undefined) continue
      const own = byLane.get(lane)
      if (own) own.push(value)
      else byLane.set(lane, [value])
    }
  }
  if (all.length === 0) return el('p', {}, 'No epoch has its time.')
  all.sort((a, b) => a - b)
  const q = (values: readonly number[], share: number) =>
    values[Math.floor(share * (values.length - 1))]!
  const ranks = Array.from(byLane, ([lane, values]): RankTimes => {
    values.sort((a, b) => a - b)
    const { rank, host } = model.machine!.lanes[lane]!
    return {
      rank,
      host,
      epochs: values.length,
      low: q(values, 0.05),
      middle: q(values, 0.5),
      high: q(values, 0.95),
    }
  }).sort((a, b) => a.rank - b.rank)
  const said = `An epoch took ${seconds(q(all, 0.5))} in the median, 5 to 95 %: ${seconds(q(all, 0.05))} to ${seconds(q(all, 0.95))}.`
  const most = q(all, 0.999)
  const bins = binned(all, most)
  const longer = all.filter(value => value > most).length
  const histogram = figure({
    title: 'Epoch times',
    label: () => said,
    most: 560,
    draw: width =>
      Plot.plot({
        ...{ width, height: 240, marginLeft: 48, marginTop: 28, marginBottom: 40 },
        x: { label: 'seconds an epoch →', domain: [0, most] },
        y: { label: '↑ epochs', grid: true, ...countAxis(bins.map(b => b.epochs)) },
        marks: [
          Plot.rectY(bins, {
            ...{ x1: 'from', x2: 'to', y: 'epochs', inset: 0.3, fill: 'var(--accent)' },
          }),
          Plot.ruleX([q(all, 0.5)], { stroke: 'var(--ink)', strokeDasharray: '4 3' }),
          Plot.ruleY([0]),
        ],
      }),
    caption: () =>
      `${said} Dashed: the median.${longer > 0 ? ` ${plural(longer, 'longer one')} not drawn.` : ''}`,
  })
  if (ranks.length === 0) return histogram.node
  const perRank = figure({
    title: 'Epoch times by rank',
    label: () =>
      `Median seconds of an epoch on ${ranks.length === 1 ? 'one rank' : `each of ${ranks.length} ranks`}, ${num(Math.min(...ranks.map(r => r.middle)))} to ${num(Math.max(...ranks.map(r => r.middle)))}`,
    most: 560,
    draw: width =>
      Plot.plot({
        ...{ width, height: 240, marginLeft: 48, marginTop: 28, marginBottom: 40 },
        x: {
          label: 'rank →',
          domain: [ranks[0]!.rank - 0.5, ranks.at(-1)!.rank + 0.5],
          ticks: wholeTicks(ranks[0]!.rank, ranks.at(-1)!.rank, Math.max(2, width / 45)),
          tickFormat: 'd',
        },
        y: { label: '↑ seconds an epoch', grid: true, zero: true },
        marks: [
          Plot.ruleX(ranks, {
            x: 'rank',
            y1: 'low',
            y2: 'high',
            stroke: 'var(--accent)',
            strokeOpacity: 0.4,
            strokeWidth: Math.max(1, Math.min(4, width / ranks.length / 2)),
          }),
          Plot.dot(ranks, {
            x: 'rank',
            y: 'middle',
            fill: 'var(--accent)',
            r: ranks.length > 200 ? 1.8 : 3,
          }),
          Plot.ruleY([0]),
          Plot.tip(
            ranks,
            Plot.pointerX({
              x: 'rank',
              y: 'middle',
              ...TIP,
              title: (r: RankTimes) =>
                `rank ${r.rank} on ${r.host}\nmedian ${seconds(r.middle)}\n5 to 95 %: ${seconds(r.low)} to ${seconds(r.high)}\n${r.epochs} epochs`,
            }),
          ),
        ],
      }),
    caption: () =>
      `Median, and 5 to 95 %, of the RUNs that finished there.${ranks.length > 1 ? ' A rank far above the others has a slow tile or node.' : ''}`,
    table: {
      name: 'epoch times by rank',
      columns: ['rank', 'host', 'epochs', '5 %', 'median', '95 %'],
      rows: () =>
        ranks.map(r => [r.rank, r.host, r.epochs, num(r.low), num(r.middle), num(r.high)]),
    },
  })
  return el('div', { class: 'columns' }, histogram.node, perRank.node)
}

const BINS = 40

/** A few extreme ones, beyond `most`, would leave all others in one bar: they are left out. */
function binned(values: readonly number[], most: number) {
  const width = most / BINS
  const bins = Array.from({ length: BINS }, (_, b) => ({
    ...{ from: b * width, to: (b + 1) * width, epochs: 0 },
  }))
  for (const value of values)
    if (value <= most) bins[Math.min(BINS - 1, Math.floor(value / width))]!.epochs++
  return bins
}
