import * as Plot from '@observablehq/plot'
import type { Recall } from '../src/analysis/report/content.js'
import { choice, el, section } from './dom.js'
import { TIP } from './error-chart.js'
import { figure } from './figure.js'
import { fixed, interval, percent, plural, tenths } from './format.js'
import { countAxis, wholeTicks } from './ticks.js'
import type { View } from './view.js'

/** Does the model find the drugs that a cell responds to most? */
export function recallSection(view: View): HTMLElement {
  const { recall, by } = view.group
  const title = 'Recall of the true top drugs per cell|Recall'
  if (!recall)
    return section(
      'recall',
      title,
      el(
        'p',
        {},
        by === 'random'
          ? 'Test sets drawn at random name no drugs, so that none can be ranked.'
          : 'No cell has two drugs, so that none can be ranked.',
      ),
    )
  const { sizes } = recall
  let size = sizes.includes(10) ? 10 : sizes.at(-1)!
  const curve = figure({
    title: 'Mean recall by number of drugs',
    label: () =>
      `Mean over the cells: ${sizes.map(k => `recall of the top ${k}: ${text(recall, k)}`).join('; ')}`,
    most: 560,
    draw: width => curveChart(recall, size, width),
    caption: () =>
      `Of the k drugs with the truly lowest AUC in a cell, the share among its k lowest predicted.${recall.curve.some(c => c.low !== null) ? ' Band: 95 % bootstrap interval over the cells.' : ''}${recall.curve.length > 1 ? ' Dashed: a random order.' : ''} Dot: the top ${size}.`,
    table: {
      name: 'recall by number of drugs',
      columns: ['k', 'cells', 'mean recall', '95 % low', '95 % high', 'random order'],
      rows: () =>
        recall.curve.map(c => [
          c.k,
          c.cells,
          fixed(c.mean),
          fixed(c.low),
          fixed(c.high),
          fixed(c.chance),
        ]),
    },
  })
  const cells = () => {
    const at = sizes.indexOf(size)
    return recall.cells.flatMap(c => {
      const value = c.recall[at] ?? null
      return value === null ? [] : [{ ...c, value }]
    })
  }
  const labels = new Map(view.group.labels.map((l, i) => [l.name, i]))
  const spread = figure({
    title: 'Cells by recall',
    label: () =>
      `How many of ${plural(cells().length, 'cell')} have each recall of their top ${size} drugs`,
    most: 560,
    draw: width =>
      spreadChart(
        cells().map(c => c.value),
        size,
        width,
      ),
    caption: () => `${plural(cells().length, 'cell')} with more than ${plural(size, 'drug')}.`,
    controls: [
      choice(
        'Top',
        sizes.map(k => [String(k), `${k} ${k === 1 ? 'drug' : 'drugs'}`] as const),
        String(size),
        wanted => {
          size = Number(wanted)
          curve.draw()
          spread.draw()
        },
      ),
    ],
    table: {
      name: 'recall by cell',
      columns: ['cell', 'drugs', ...sizes.map(k => `top ${k}`), 'Spearman'],
      rows: () =>
        [...recall.cells]
          .sort((a, b) => (a.scc ?? -2) - (b.scc ?? -2))
          .map(c => {
            const index = labels.get(c.name)
            return [
              by === 'drug' && index !== undefined
                ? { text: c.name, choose: () => view.goToLabel(index) }
                : c.name,
              ...[c.drugs, ...c.recall.map(r => fixed(r, 3)), fixed(c.scc, 3)],
            ]
          }),
    },
  })
  const chance = percent(recall.curve[size - 1]!.chance)
  const sentence =
    size === 1
      ? `In ${text(recall, 1)} of the cells the truly top drug is the best predicted one; by a random order it would be in ${chance}.`
      : `On average ${text(recall, size)} of the truly top ${size} drugs of a cell are among its ${size} best predicted; a random order would find ${chance}.`
  return section(
    'recall',
    title,
    el('p', {}, sentence),
    el('div', { class: 'columns' }, curve.node, spread.node),
  )
}

function text({ curve }: Recall, k: number): string {
  return interval(curve[k - 1]!, tenths)
}

function curveChart({ curve }: Recall, size: number, width: number) {
  const last = Math.max(2, curve.length)
  return Plot.plot({
    ...{ width, height: 280, marginLeft: 44, marginTop: 28, marginBottom: 40 },
    x: {
      label: 'k, number of drugs →',
      domain: [1, last],
      ticks: wholeTicks(1, last, 8),
      tickFormat: 'd',
    },
    y: { label: '↑ recall', domain: [0, 1], grid: true, tickFormat: '.0%' },
    marks: [
      Plot.areaY(curve, { x: 'k', y1: 'low', y2: 'high', fill: 'var(--accent)', fillOpacity: 0.2 }),
      Plot.line(curve, { x: 'k', y: 'chance', stroke: 'var(--muted)', strokeDasharray: '4 3' }),
      Plot.line(curve, { x: 'k', y: 'mean', stroke: 'var(--accent)', strokeWidth: 2 }),
      Plot.dot(
        curve.filter(c => c.k === size),
        { x: 'k', y: 'mean', r: 5, stroke: 'var(--ink)', strokeWidth: 1.8, fill: 'var(--accent)' },
      ),
      Plot.tip(
        curve,
        Plot.pointerX({
          ...{ x: 'k', y: 'mean', ...TIP },
          title: (c: Recall['curve'][number]) =>
            `top ${c.k}: ${interval(c, tenths)}\nrandom order: ${percent(c.chance)}\n${plural(c.cells, 'cell')}`,
        }),
      ),
    ],
  }) as unknown as SVGSVGElement
}

/** Recall of the top k is a multiple of 1/k: a bar each where there are few, else bins of a tenth. */
function spreadChart(values: readonly number[], size: number, width: number) {
  // of equal values at the border each counts in part
  const isWhole = values.every(v => Math.abs(v * size - Math.round(v * size)) < 1e-9)
  const bins = isWhole ? Math.min(size, 10) : 10
  const counts = Array.from({ length: bins + 1 }, (_, i) => ({ recall: i / bins, cells: 0 }))
  for (const value of values) counts[Math.round(value * bins)]!.cells++
  return Plot.plot({
    ...{ width, height: 280, marginLeft: 44, marginTop: 28, marginBottom: 40 },
    x: {
      ...{ type: 'band', label: `recall of the top ${size}, % →`, padding: 0.15 },
      tickFormat: (r: number) => `${Math.round(100 * r)}`,
    },
    y: { label: '↑ cells', grid: true, ...countAxis(counts.map(c => c.cells)) },
    marks: [
      Plot.barY(counts, { x: 'recall', y: 'cells', fill: 'var(--accent)' }),
      Plot.ruleY([0]),
      Plot.tip(
        counts,
        Plot.pointerX({
          ...{ x: 'recall', y: 'cells', ...TIP },
          title: (c: (typeof counts)[number]) =>
            `${plural(c.cells, 'cell')} with recall ${percent(c.recall)}`,
        }),
      ),
    ],
  }) as unknown as SVGSVGElement
}
