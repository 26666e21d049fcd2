import * as Plot from '@observablehq/plot'
import { TIP } from './error-chart.js'
import { num } from './format.js'
import { wholeTicks } from './ticks.js'

/** Of all RUNs that reached an epoch. */
export interface Band {
  readonly epoch: number
  readonly runs: number
  /** Percentiles of val_loss. */
  readonly p5: number
  readonly p25: number
  readonly p50: number
  readonly p75: number
  readonly p95: number
}

/** Losses of one RUN by epoch; NaN unknown. */
export interface Curve {
  readonly run: string
  readonly valLoss: Float32Array
  readonly loss: Float32Array
}

export interface TrainingChart {
  readonly curves: readonly Curve[]
  /** Empty: the RUNs alone. */
  readonly bands: readonly Band[]
  readonly width: number
  readonly height: number
}

const KINDS = ['validation', 'training', 'median of all RUNs'] as const
interface Point {
  readonly run: string
  readonly epoch: number
  readonly value: number
  readonly of: (typeof KINDS)[number]
}

/** Losses of RUNs by epoch, before those of all. A logarithmic scale, where all are above zero. */
export function trainingChart({ curves, bands, width, height }: TrainingChart): HTMLElement {
  const points = curves.flatMap(({ run, valLoss, loss }) =>
    [...valLoss].flatMap((value, i): Point[] => [
      { run, epoch: i + 1, value, of: 'validation' },
      { run, epoch: i + 1, value: loss[i]!, of: 'training' },
    ]),
  )
  const known = points.filter(p => Number.isFinite(p.value))
  const isLog = known.every(p => p.value > 0) && bands.every(b => b.p5 > 0)
  const last = Math.max(2, ...known.map(p => p.epoch), ...bands.map(b => b.epoch))
  const kinds = KINDS.filter((_, k) => k < 2 || bands.length > 0)
  const colours = ['var(--accent)', 'var(--second)', 'var(--muted)']
  const area = (low: keyof Band, high: keyof Band, fillOpacity: number) =>
    Plot.areaY(bands, { x: 'epoch', y1: low, y2: high, fill: 'var(--muted)', fillOpacity })
  const line = (p: Point) => `${p.run} ${p.of}`
  const tip = (p: Point) =>
    `${curves.length > 1 ? `${p.run}, ` : ''}epoch ${p.epoch}\n${p.of} loss ${num(p.value)}`
  const epochs = new Map<string, number>()
  for (const p of known) epochs.set(line(p), (epochs.get(line(p)) ?? 0) + 1)
  // a line of one epoch cannot be seen
  const lone = known.filter(p => epochs.get(line(p)) === 1)
  return Plot.plot({
    ...{ width, height, marginLeft: 56, marginRight: 16, marginTop: 24, marginBottom: 40 },
    x: {
      label: 'epoch →',
      domain: [1, last],
      ticks: wholeTicks(1, last, Math.max(2, width / 60)),
      tickFormat: 'd',
    },
    y: { label: '↑ loss', type: isLog ? 'log' : 'linear', grid: true, ticks: 4, tickFormat: '~g' },
    color: { domain: [...kinds], range: colours.slice(0, kinds.length), legend: true },
    marks: [
      area('p5', 'p95', 0.18),
      area('p25', 'p75', 0.25),
      Plot.line(bands, { x: 'epoch', y: 'p50', stroke: () => KINDS[2], strokeWidth: 2 }),
      Plot.line(known, { x: 'epoch', y: 'value', z: line, stroke: 'of', strokeWidth: 1.8 }),
      Plot.dot(lone, { x: 'epoch', y: 'value', fill: 'of' }),
      Plot.tip(known, Plot.pointer({ x: 'epoch', y: 'value', title: tip, ...TIP })),
    ],
  }) as HTMLElement
}
