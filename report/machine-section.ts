import * as Plot from '@observablehq/plot'
import type { Machine } from '../src/analysis/report/content.js'
import { el, section } from './dom.js'
import { figure } from './figure.js'
import { clock, percent, plural, seconds } from './format.js'
import { gantt, MANY } from './gantt.js'
import { nounOf, type Model } from './model.js'
import { wholeTicks } from './ticks.js'
import type { Missing, View } from './view.js'

/** How the ranks were used. */
export function machineSection(
  model: Model,
  view: View | undefined,
  missing: Missing,
): HTMLElement {
  const { machine, runs } = model
  const title = 'Ranks and idle time|Ranks'
  if (!machine || machine.bars.length === 0)
    return section(
      'machine',
      title,
      el(
        'p',
        {},
        `${machine ? 'The journal tells of no attempt' : 'There is no journal'}: nothing is known of who did what.`,
      ),
    )
  const { lanes, lives, busy, idle, idleAtEnd } = machine
  const share = busy / (busy + idle)
  const select = (run: number) => {
    const entry = view?.group.entries.findIndex(e => e.runs.includes(run)) ?? -1
    if (entry >= 0) view!.selectEntry(entry)
    else if (missing.runs.includes(run)) missing.goTo(run)
  }
  const shown = () => (view ? view.group.entries[view.entry]!.runs : [])
  const isMerged = machine.bars.length > MANY
  const hasSlots = new Set(lanes.map(l => l.rank)).size < lanes.length
  const chart = figure({
    title: 'What each rank did',
    label: () =>
      `Gantt chart of ${plural(machine.bars.length, 'attempt')} on ${plural(lanes.length, hasSlots ? 'slot' : 'rank')} over ${seconds(machine.seconds)}; busy ${percent(share)} of the time`,
    draw: width => gantt({ machine, runs }, shown(), select, width),
    caption: () => {
      const outlined = machine.bars.filter(b => shown().includes(b.run)).length
      return [
        isMerged
          ? 'A row a rank; bars of attempts that touch and ended alike are drawn as one.'
          : `A bar an attempt, a row a ${hasSlots ? 'slot of a rank' : 'rank'}.`,
        'What is empty is idle.',
        view && outlined > 0 && !isMerged
          ? `Outlined: ${outlined === 1 ? 'that' : 'those'} of the ${nounOf(view.group.by)} chosen above.`
          : '',
        lives.length > 1
          ? 'Dashed: another leader began; the time between two leaders is left out.'
          : '',
      ]
        .filter(text => text !== '')
        .join(' ')
    },
    table: {
      name: 'busy and idle time by rank',
      columns: ['rank', 'host', 'busy', 'idle', 'share busy'],
      rows: () =>
        lanes.map(l => [
          l.rank,
          l.host,
          seconds(l.busy),
          seconds(l.idle),
          percent(l.busy / (l.busy + l.idle)),
        ]),
    },
  })
  view?.onSelect(chart.draw, 'soon')
  const level = figure({
    title: `Busy ${hasSlots ? 'slots of ranks' : 'ranks'} over time`,
    label: () => `Number of busy ${hasSlots ? 'slots' : 'ranks'} over time, of ${lanes.length}`,
    caption: () => 'Dashed: all there are.',
    draw: width => busyChart(machine, width),
  })
  return section(
    'machine',
    title,
    el(
      'p',
      {},
      el('strong', {}, `Ranks were busy ${percent(share)} of their time.`),
      ` Idle: ${seconds(idle)} of all ranks together${idleAtEnd > 0 ? `, of these ${seconds(idleAtEnd)} after the last RUN had been given out` : ''}. `,
      `The sweep took ${seconds(machine.seconds)} under ${lives.length === 1 ? 'one leader' : `${lives.length} leaders`}: ${lives
        .map(
          l =>
            `${clock(l.time)} on ${l.host}${l.job === '' ? '' : ` (job ${l.job})`}, ${seconds(l.to - l.from)}`,
        )
        .slice(0, 6)
        .join('; ')}${lives.length > 6 ? '; …' : ''}.`,
    ),
    chart.node,
    level.node,
  )
}

/** Steps; at most one a pixel. */
function busyChart({ bars, seconds: whole, lanes }: Machine, width: number) {
  const steps = Math.floor(width)
  const changes = new Float64Array(steps + 1)
  for (const { from, to } of bars) {
    // the share of each step that it was busy in
    for (let s = Math.floor((from / whole) * steps); s < steps; s++) {
      const [low, high] = [(s / steps) * whole, ((s + 1) / steps) * whole]
      if (low >= to) break
      changes[s]! += (Math.min(high, to) - Math.max(low, from)) / (high - low)
    }
  }
  const unit = whole > 3 * 3600 ? 3600 : whole > 300 ? 60 : 1
  const data = Array.from({ length: steps }, (_, s) => ({
    at: ((s + 0.5) / steps) * (whole / unit),
    busy: changes[s]!,
  }))
  return Plot.plot({
    ...{ width, height: 150, marginLeft: 56, marginRight: 12, marginTop: 28 },
    x: { label: null, domain: [0, whole / unit] },
    y: {
      label: '↑ busy',
      domain: [0, lanes.length],
      grid: true,
      ticks: wholeTicks(0, lanes.length, 4),
      tickFormat: 'd',
    },
    marks: [
      Plot.areaY(data, {
        x: 'at',
        y: 'busy',
        fill: 'var(--accent)',
        fillOpacity: 0.5,
        curve: 'step',
      }),
      Plot.ruleY([lanes.length], { stroke: 'var(--muted)', strokeDasharray: '4 3' }),
    ],
  }) as unknown as SVGSVGElement
}
