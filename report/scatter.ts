import * as Plot from '@observablehq/plot'
import { TIP } from './error-chart.js'
import { num } from './format.js'

export interface Point {
  readonly index: number
  readonly name: string
  readonly aucTrue: number
  readonly aucPred: number
  readonly rows: number
  /** Drawn in another colour. */
  readonly tone: 'plain' | 'hit' | 'miss'
}

export interface ScatterChart {
  readonly points: readonly Point[]
  /** Ends of both axes. */
  readonly domain: readonly [number, number]
  readonly selected: number
  readonly onSelect: (index: number) => void
}

const TONES = { plain: 'var(--accent)', hit: 'var(--good)', miss: 'var(--tail)' } as const

/** True against predicted, both axes the same, so that a perfect model lies on the diagonal. */
export function scatter({ points, domain, selected, onSelect }: ScatterChart, width: number) {
  const [low, high] = domain
  // those of a tone above the plain ones
  const ordered = [...points].sort(
    (a, b) => Number(a.tone !== 'plain') - Number(b.tone !== 'plain'),
  )
  const title = (p: Point) =>
    `${p.name}\ntrue ${num(p.aucTrue)}, predicted ${num(p.aucPred)}${p.rows > 1 ? `\nmean of ${p.rows === 255 ? '255 or more' : p.rows} replicates` : ''}`
  const plot = Plot.plot({
    r: { type: 'identity' },
    ...{ width, height: width, marginLeft: 44, marginTop: 28, marginBottom: 40, marginRight: 12 },
    x: { label: 'true AUC →', domain, grid: true },
    y: { label: '↑ predicted AUC', domain, grid: true },
    marks: [
      Plot.line(
        [
          [low, low],
          [high, high],
        ],
        { stroke: 'var(--muted)', strokeDasharray: '4 3' },
      ),
      Plot.dot(ordered, {
        ...{ x: 'aucTrue', y: 'aucPred' },
        r: (p: Point) => (p.tone !== 'plain' ? 3.6 : points.length > 400 ? 2.2 : 3),
        fill: (p: Point) => TONES[p.tone],
        fillOpacity: (p: Point) => (p.tone === 'plain' ? 0.45 : 0.95),
      }),
      Plot.dot(
        points.filter(p => p.index === selected),
        { x: 'aucTrue', y: 'aucPred', r: 7, stroke: 'var(--ink)', strokeWidth: 1.8 },
      ),
      Plot.tip(ordered, Plot.pointer({ x: 'aucTrue', y: 'aucPred', title, ...TIP })),
    ],
  })
  plot.style.cursor = 'pointer'
  plot.addEventListener('click', () => {
    const found = plot.value as Point | null
    if (found) onSelect(found.index)
  })
  return plot as unknown as SVGSVGElement
}

/** A small one without axes: many side by side. One path for all dots, as a thousand circles each would be slow. */
export function thumbnail(points: readonly Point[], domain: readonly [number, number]) {
  const size = 120
  const at = (value: number) => ((value - domain[0]) / (domain[1] - domain[0])) * size
  const draw = (name: string, attributes: Readonly<Record<string, string | number>>) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name)
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value))
    return node
  }
  const svg = draw('svg', { viewBox: `0 0 ${size} ${size}`, 'aria-hidden': 'true' })
  const dots = points
    .map(p => `M${at(p.aucTrue).toFixed(1)},${(size - at(p.aucPred)).toFixed(1)}h0`)
    .join('')
  svg.append(
    draw('rect', { width: size, height: size, fill: 'none', stroke: 'var(--line)' }),
    draw('path', {
      d: `M0,${size}L${size},0`,
      ...{ stroke: 'var(--muted)', 'stroke-dasharray': '3 3', fill: 'none' },
    }),
    draw('path', {
      d: dots,
      ...{ stroke: 'var(--accent)', 'stroke-opacity': 0.5, 'stroke-linecap': 'round' },
      ...{ 'stroke-width': 3, fill: 'none' },
    }),
  )
  return svg
}
