import * as Plot from '@observablehq/plot'
import { num } from './format.js'

/** One dot of a chart of sorted values. */
export interface Item {
  readonly index: number
  readonly name: string
  /** That it is the mean of. */
  readonly runs: number
  readonly value: number
  readonly low: number | null
  readonly high: number | null
  readonly isTail: boolean
}

/** Of the tables beside the charts: rows, squared error and bias of one entry or label, with intervals. */
export const ERROR_COLUMNS = [
  'rows',
  'MSE',
  'RMSE',
  '95 % low',
  '95 % high',
  'bias',
  '95 % low',
  '95 % high',
] as const

export interface ErrorChart {
  /** Worst first. */
  readonly items: readonly Item[]
  readonly measure: string
  /** Which end of the values is bad. */
  readonly worst: 'high' | 'low' | 'both'
  /** `drug` */
  readonly what: string
  readonly fence: number | null
  readonly selected: number
  /** So many get their names: of biases the largest either way. */
  readonly named: number
  readonly isLog: boolean
  /** What is lower is drawn at this edge: one R² of −200 would leave all others in one line. */
  readonly lowest?: number
  readonly onSelect: (index: number) => void
}

/** Up to so many each has a line with its name. */
const FEW = 40

/** Sorted values with their intervals: a line each where there are few, else dots by rank. */
export function errorChart(chart: ErrorChart, width: number): SVGSVGElement {
  const plot = chart.items.length <= FEW ? lines(chart, width) : ranks(chart, width)
  plot.style.cursor = 'pointer'
  plot.addEventListener('click', () => {
    const found = plot.value as Item | null
    if (found) chart.onSelect(found.index)
  })
  return plot as unknown as SVGSVGElement
}

const titleOf = (measure: string) => (d: Item) =>
  `${d.name}${d.runs > 1 ? `, ${d.runs} RUNs` : ''}\n${measure} ${num(d.value)}${d.low === null ? '' : `\n95 %: ${num(d.low)} to ${num(d.high)}`}`

function lines(chart: ErrorChart, width: number) {
  const { items, measure, worst, fence, selected } = chart
  const names = unique(items)
  const data = items.map((item, i) => ({ ...item, line: names[i]! }))
  const longest = Math.max(...names.map(n => n.length))
  return Plot.plot({
    width,
    height: 60 + 20 * items.length,
    marginBottom: 40,
    marginLeft: Math.min(Math.min(0.4 * width, 220), 20 + 6.6 * longest),
    marginRight: 24,
    x: { label: measure, grid: true, nice: true, ...scaleOf(data, chart) },
    y: { domain: names, label: null, tickSize: 0 },
    marks: [
      worst === 'both' ? Plot.ruleX([0], { stroke: 'var(--muted)' }) : null,
      fence === null
        ? null
        : Plot.ruleX([fence], { strokeDasharray: '4 3', stroke: 'var(--tail)' }),
      Plot.ruleY(data, {
        ...{ y: 'line', x1: 'low', x2: 'high', strokeWidth: 3, strokeOpacity: 0.35 },
        stroke: colour,
      }),
      Plot.dot(data, { x: 'value', y: 'line', fill: colour, r: 4 }),
      ring(data, selected, 'line', false),
      Plot.tip(data, Plot.pointerY({ x: 'value', y: 'line', title: titleOf(measure), ...TIP })),
    ],
  })
}

function ranks(chart: ErrorChart, width: number) {
  const { items, measure, worst, what, fence, selected, named } = chart
  const height = 320
  const data = items.map((item, i) => ({ ...item, rank: i + 1 }))
  const plot = Plot.plot({
    ...{ width, height, marginLeft: 48, marginRight: 20, marginTop: 28, marginBottom: AXIS },
    x: {
      label: `${what}s by ${measure}, ${worst === 'both' ? 'highest' : 'worst'} first →`,
      domain: [0, items.length + 1],
      line: true,
    },
    y: { label: `↑ ${measure}`, grid: true, nice: true, ...scaleOf(data, chart) },
    marks: [
      worst === 'both' ? Plot.ruleY([0], { stroke: 'var(--muted)' }) : null,
      Plot.ruleX(
        data.filter(d => d.low !== null),
        {
          ...{ x: 'rank', y1: 'low', y2: 'high', strokeOpacity: 0.3, stroke: colour },
          strokeWidth: Math.max(0.8, Math.min(3, width / items.length / 2)),
        },
      ),
      fence === null
        ? null
        : Plot.ruleY([fence], { strokeDasharray: '4 3', stroke: 'var(--tail)' }),
      Plot.dot(data, { x: 'rank', y: 'value', fill: colour, r: items.length > 300 ? 2 : 2.6 }),
      ring(data, selected, 'rank', true),
      Plot.tip(data, Plot.pointerX({ x: 'rank', y: 'value', title: titleOf(measure), ...TIP })),
    ],
  })
  const place: Place = {
    ...{ width, height, top: 14 },
    x: rank => plot.scale('x')!.apply(rank) as number,
    y: value => plot.scale('y')!.apply(value) as number,
  }
  const svg = plot as unknown as SVGSVGElement
  const atEdge = data.filter(d => d.value < (chart.lowest ?? -Infinity)).length
  const falling = { ...flipped(place, 'y'), clear: atEdge > 0 ? place.x(atEdge) : 0 }
  const largest = [...data].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, named)
  const above = worst === 'both' ? largest.filter(d => d.value > 0) : data.slice(0, named)
  const below = worst === 'both' ? largest.filter(d => d.value < 0) : []
  nameDots(svg, data, above, worst === 'low' ? falling : place)
  nameDots(svg, data, below, flipped(place, 'both'))
  return plot
}

/** From zero where nothing is below. */
function scaleOf(data: readonly Item[], { isLog, lowest = -Infinity }: ErrorChart) {
  if (data.some(d => d.value < lowest))
    return { domain: [lowest, Math.max(lowest + 1, ...data.map(d => d.value))], clamp: true }
  return isLog && data.every(d => d.value > 0 && (d.low ?? 1) > 0)
    ? ({ type: 'log', tickFormat: '~g' } as const)
    : { zero: data.every(d => d.value >= 0) }
}

/** Of marks that Plot draws anew under the pointer; the tables say the same to who has none. */
export const TIP = {
  ...{ fill: 'var(--surface)', stroke: 'var(--line)' },
  ariaHidden: 'true',
} as const

const colour = (d: Item) => (d.isTail ? 'var(--tail)' : 'var(--accent)')

function ring<T extends Item>(data: readonly T[], selected: number, key: keyof T, isX: boolean) {
  return Plot.dot(
    data.filter(d => d.index === selected),
    {
      ...(isX ? { x: key as string, y: 'value' } : { x: 'value', y: key as string }),
      ...{ r: 7, stroke: 'var(--ink)', strokeWidth: 1.8, fill: 'none' },
    },
  )
}

/** Pixels of the axis below. */
const AXIS = 40
/** Pixels between two names. */
const LINE = 14

type Dot = Item & { readonly rank: number }

/** Where things are, and where they are drawn. */
interface Place {
  readonly width: number
  readonly height: number
  readonly x: (rank: number) => number
  readonly y: (value: number) => number
  /** From the place that is reckoned with to that on the page: see `flipped`. */
  readonly draw?: (x: number, y: number) => readonly [x: number, y: number]
  readonly isFromRight?: boolean
  /** Pixels from the edge that the first name may have. */
  readonly top: number
  /** Dots to the left of this lie on the edge. */
  readonly clear?: number
}

/** The same seen in a mirror: names of the last dots, or below a rising curve, are placed as those of the first. */
function flipped({ width, height, x, y }: Place, axis: 'y' | 'both'): Place {
  const isBoth = axis === 'both'
  return {
    ...{ width, height, isFromRight: isBoth, top: AXIS + 10 },
    x: rank => (isBoth ? width - x(rank) : x(rank)),
    y: value => height - y(value),
    draw: (left, top) => [isBoth ? width - left : left, height - top],
  }
}

/** Names in a column to the right of the first dots, above the falling curve, each with a thin line. */
function nameDots(
  svg: SVGSVGElement,
  data: readonly Dot[],
  named: readonly Dot[],
  { x: xOf, y: yOf, draw = (x, y) => [x, y], ...place }: Place,
): void {
  const items = [...named].sort((a, b) => xOf(a.rank) - xOf(b.rank))
  if (items.length === 0) return
  const edge = place.width * 0.6
  const last = Math.max(xOf(items.at(-1)!.rank), Math.min(edge, place.clear ?? 0))
  const column = last + Math.max(24, 0.04 * place.width)
  const room = Math.floor(Math.min(200, place.width - column) / 6.5)
  const near = data.filter(d => xOf(d.rank) > column - 8 && xOf(d.rank) < column + 6.5 * room)
  const ends = near.flatMap(d => [d.low, d.high, d.value].flatMap(v => (v === null ? [] : yOf(v))))
  const floor = Math.min(...ends) - 10
  const fitting = items.slice(0, Math.max(0, Math.floor((floor - place.top) / LINE) + 1))
  const group = svgElement('g', {
    fill: 'currentColor',
    'text-anchor': place.isFromRight ? 'end' : 'start',
  })
  let below = place.top
  for (const [i, item] of fitting.entries()) {
    const [x, y] = [xOf(item.rank), yOf(item.value)]
    const at = Math.max(below, Math.min(y, floor - LINE * (fitting.length - 1 - i)))
    below = at + LINE
    group.append(
      svgElement('path', {
        d: `M${draw(x + 4, y).join()}L${draw(column - 4, at).join()}`,
        ...{ fill: 'none', stroke: 'currentColor', 'stroke-opacity': 0.35 },
      }),
    )
    const [left, middle] = draw(column, at)
    const text = svgElement('text', {
      ...{ x: left, y: middle + 4, stroke: 'var(--paper)', 'stroke-width': 3 },
      'paint-order': 'stroke',
    })
    text.textContent = item.name.length > room ? `${item.name.slice(0, room - 1)}…` : item.name
    group.append(text)
  }
  // below what the pointer brings up
  svg.insertBefore(group, svg.querySelector('[aria-label=tip]'))
}

function svgElement(name: string, attributes: Readonly<Record<string, string | number>>) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value))
  return node
}

/** A scale of names wants each once. */
function unique(items: readonly Item[]): string[] {
  const seen = new Set<string>()
  return items.map(({ name, runs }) => {
    const short = name.length > 32 ? `${name.slice(0, 31)}…` : name
    let text = runs > 1 ? `${short} (${runs} RUNs)` : short
    for (let n = 2; seen.has(text); n++) text = `${name.slice(0, 28)} #${n}`
    seen.add(text)
    return text
  })
}
