import type { Entry } from '../src/analysis/report/content.js'
import { button, choice, el, section } from './dom.js'
import { ERROR_COLUMNS, errorChart, type Item } from './error-chart.js'
import { figure } from './figure.js'
import { count, fixed, interval, num, percent, plural } from './format.js'
import { nounOf } from './model.js'
import type { Missing, View } from './view.js'

/** Names in the chart. */
const NAMED = 10

const MEASURES = {
  rmse: { text: 'RMSE', of: (e: Entry) => Math.sqrt(e.mse.mean), worst: 'high' },
  bias: { text: 'bias', of: (e: Entry) => e.bias.mean, worst: 'both' },
  r2: { text: 'R²', of: (e: Entry) => e.r2, worst: 'low' },
  scc: { text: 'Spearman', of: (e: Entry) => e.scc, worst: 'low' },
  pcc: { text: 'Pearson', of: (e: Entry) => e.pcc, worst: 'low' },
} as const
type Measure = keyof typeof MEASURES
/** Twice as bad as to say the mean of the true values each time. */
const LOWEST_R2 = -1

/** Which of the held-out drugs (cells, RUNs) have a high error. */
export function entriesSection(view: View, missing: Missing): HTMLElement {
  const { group, model } = view
  const what = nounOf(group.by)
  const held = group.by === 'random' ? what : `held-out ${what}`
  let measure: Measure = 'rmse'
  let scale: 'linear' | 'log' = 'linear'
  const items = () => sorted(view, measure)
  const scaling = choice(
    'Scale',
    [
      ['linear', 'linear'],
      ['log', 'logarithmic'],
    ] as const,
    scale,
    wanted => {
      scale = wanted
      chart.draw()
    },
  )
  const chart = figure({
    title: `Error of each ${held}`,
    label: () =>
      `${MEASURES[measure].text} of ${items().length} ${what}s, from the left: ${items()
        .slice(0, 5)
        .map(i => `${i.name} ${num(i.value)}`)
        .join(', ')}. The table below has all.`,
    draw: width =>
      errorChart(
        {
          ...{
            items: items(),
            measure: MEASURES[measure].text,
            what,
            named: NAMED,
            isLog: measure === 'rmse' && scale === 'log',
            worst: MEASURES[measure].worst,
            ...(measure === 'r2' ? { lowest: LOWEST_R2 } : {}),
          },
          fence: measure === 'rmse' ? group.fence : null,
          selected: view.entry,
          onSelect: view.selectEntry,
        },
        width,
      ),
    controls: [
      choice<Measure>(
        'Measure',
        Object.entries(MEASURES).map(([key, m]) => [key as Measure, m.text] as const),
        measure,
        wanted => {
          measure = wanted
          // only an RMSE is always above zero
          scaling.hidden = measure !== 'rmse'
          chart.draw()
        },
      ),
      scaling,
    ],
    caption: () => captionOf(view, measure, items()),
    table: {
      name: `error by ${what}`,
      columns: [
        ...[what, 'RUNs', ...ERROR_COLUMNS],
        ...['R²', 'Pearson', 'Spearman', 'replicate sd', 'validation RMSE'],
      ],
      rows: () =>
        sorted(view, 'rmse').map(({ index, name }) => {
          const e = group.entries[index]!
          const { mean, low, high } = group.rmseOf[index]!
          return [
            { text: name, choose: () => view.goToEntry(index) },
            ...[
              e.runs.map(r => model.runs[r]!.run).join(' '),
              e.rows,
              fixed(e.mse.mean, 6),
              fixed(mean),
              fixed(low),
            ],
            ...[fixed(high), fixed(e.bias.mean), fixed(e.bias.low), fixed(e.bias.high)],
            ...[fixed(e.r2), fixed(e.pcc), fixed(e.scc)],
            ...[fixed(e.noise), fixed(e.valMse === null ? null : Math.sqrt(e.valMse))],
          ]
        }),
    },
  })
  view.onSelect(chart.draw, 'soon')
  return section(
    'errors',
    `Error by ${held}|${held.replace(/^h/, 'H')}s`,
    tailText(view),
    absentText(view, missing),
    chart.node,
  )
}

/** Whatever of it is drawn. */
function captionOf({ group }: View, measure: Measure, items: readonly Item[]): string {
  const what = nounOf(group.by)
  const many = group.entries.filter(e => e.runs.length > 1).length
  const hasIntervals = items.some(i => i.low !== null)
  const hasTail = items.some(i => i.isTail)
  const { fence } = group
  return [
    `A dot a ${what}${measure === 'bias' ? ', the mean of predicted − true' : ''}.`,
    many === 0 ? '' : `${plural(many, what)} with several RUNs, taken together.`,
    hasIntervals ? `Lines are 95 % bootstrap intervals over its ${group.labelled}s.` : '',
    measure !== 'rmse'
      ? hasTail
        ? 'Red: the high-error tail by RMSE.'
        : ''
      : hasTail
        ? 'Red: the high-error tail, beyond the dashed line.'
        : fence === null
          ? ''
          : 'Beyond the dashed line a high-error tail would begin.',
    measure === 'r2' && items.some(i => i.value < LOWEST_R2)
      ? `${plural(items.filter(i => i.value < LOWEST_R2).length, what)} below ${num(LOWEST_R2)} drawn at the edge.`
      : '',
    items.length < group.entries.length
      ? `${plural(group.entries.length - items.length, what)} without a value: constant values have none.`
      : '',
  ]
    .filter(text => text !== '')
    .join(' ')
}

/** No mean is told without naming what is not in it. */
function absentText({ group, model }: View, missing: Missing): HTMLElement | null {
  const { absent } = group
  if (absent.length === 0) return null
  const state = (r: number) => model.runs[r]!.state
  const names = absent.slice(0, LISTED).flatMap(({ name, runs }, i) => [
    i === 0 ? ' ' : ', ',
    button(name, () => missing.goTo(runs.find(r => state(r) === 'failed') ?? runs[0]!), {
      class: 'link',
    }),
    ` (${[...new Set(runs.map(state))].join(', ')})`,
  ])
  const more = absent.length - LISTED
  return el(
    'p',
    {},
    `${plural(absent.length, nounOf(group.by))} without a result:`,
    ...names,
    more > 0 ? ` and ${count(more)} more, see Failures.` : '.',
  )
}

/** Worst first; of biases the highest first. Those without a value are left out. */
export function sorted({ group }: View, measure: Measure): Item[] {
  const { of, worst } = MEASURES[measure]
  const items = group.entries.flatMap((entry, index): Item[] => {
    const value = of(entry)
    if (value === null) return []
    const { low, high } =
      measure === 'rmse'
        ? group.rmseOf[index]!
        : measure === 'bias'
          ? entry.bias
          : { low: null, high: null }
    const isTail = group.fence !== null && group.rmseOf[index]!.mean > group.fence
    return [{ index, name: entry.name, runs: entry.runs.length, value, low, high, isTail }]
  })
  return items.sort((a, b) => (worst === 'low' ? a.value - b.value : b.value - a.value))
}

/** The tail by name: the first thing that a reader of a High Error Drug study asks for. */
function tailText(view: View): HTMLElement {
  const { group } = view
  const what = nounOf(group.by)
  if (group.fence === null)
    return el('p', {}, `${plural(group.entries.length, what)}: too few to tell a high-error tail.`)
  const tail = sorted(view, 'rmse').filter(i => i.isTail)
  if (tail.length === 0)
    return el(
      'p',
      {},
      `No ${what} stands apart: none has an RMSE above ${num(group.fence)} (Q3 + 1.5 IQR).`,
    )
  // one with several RUNs counts once
  const squares = (e: Entry) => (e.mse.mean * e.rows) / e.runs.length
  const all = group.entries.reduce((sum, e) => sum + squares(e), 0)
  const theirs = tail.reduce((sum, i) => sum + squares(group.entries[i.index]!), 0)
  const list = el('ol', { class: 'tail' })
  for (const [place, { index, name, runs }] of tail.entries()) {
    const link = el('button', { type: 'button', class: 'link' }, name)
    link.addEventListener('click', () => view.goToEntry(index))
    list.append(
      el(
        'li',
        { hidden: place >= LISTED },
        link,
        el('span', {}, ` ${interval(group.rmseOf[index]!)}${runs > 1 ? `, ${runs} RUNs` : ''}`),
      ),
    )
  }
  return el(
    'div',
    {},
    el(
      'p',
      {},
      el(
        'strong',
        {},
        `${tail.length} of ${group.entries.length} ${what}s ${tail.length === 1 ? 'forms' : 'form'} the high-error tail`,
      ),
      ` (RMSE above ${num(group.fence)} = Q3 + 1.5 IQR). ${tail.length === 1 ? 'It holds' : 'They hold'} ${percent(theirs / all)} of all squared error:`,
    ),
    list,
    tail.length > LISTED
      ? el('p', { class: 'screen' }, showAll(list, `Show all ${tail.length}`))
      : null,
  )
}

/** Names of the tail at first; paper has all. */
const LISTED = 24

function showAll(list: HTMLElement, text: string): HTMLElement {
  const more = button(text, () => {
    for (const item of list.children) item.removeAttribute('hidden')
    more.hidden = true
  })
  return more
}
