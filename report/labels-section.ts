import type { LabelEntry } from '../src/analysis/report/content.js'
import { section } from './dom.js'
import { ERROR_COLUMNS, errorChart, type Item } from './error-chart.js'
import { figure } from './figure.js'
import { fixed, num, root } from './format.js'
import { nounOf } from './model.js'
import type { View } from './view.js'

/** Which cells are predicted badly whatever the drug. */
export function labelsSection(view: View): HTMLElement {
  const { group } = view
  const { labelled: what } = group
  const other = nounOf(group.by)
  const items = group.labels
    .map((label, index): Item => {
      const { mean: value, low, high } = root(label.mse)
      return { index, name: label.name, runs: 1, value, low, high, isTail: false }
    })
    .sort((a, b) => b.value - a.value)
  const chart = figure({
    title: `Error of each ${what}`,
    label: () =>
      `RMSE of ${items.length} ${what}s over all ${other}s, worst first: ${items
        .slice(0, 5)
        .map(i => `${i.name} ${num(i.value)}`)
        .join(', ')}. The table below has all.`,
    draw: width =>
      errorChart(
        {
          ...{ items, measure: 'RMSE', what, fence: null, named: 5, isLog: false, worst: 'high' },
          selected: view.label,
          onSelect: view.selectLabel,
        },
        width,
      ),
    caption: () =>
      `A dot a ${what}, over all ${other}s that met it${group.by === 'random' ? '' : '; replicates are averaged first, and each ' + other + ' counts once'}.${items.some(i => i.low !== null) ? ` Lines are 95 % bootstrap intervals over the ${other}s.` : ''}`,
    table: {
      name: `error by ${what}`,
      columns: [what, `${other}s`, ...ERROR_COLUMNS],
      rows: () =>
        items.map(({ index, name, value, low, high }) => {
          const l: LabelEntry = group.labels[index]!
          return [
            { text: name, choose: () => view.goToLabel(index) },
            ...[l.entries, l.rows, fixed(l.mse.mean, 6), fixed(value), fixed(low), fixed(high)],
            ...[fixed(l.bias.mean), fixed(l.bias.low), fixed(l.bias.high)],
          ]
        }),
    },
  })
  view.onSelect(chart.draw, 'soon')
  return section('labels', `Error by ${what}|${what === 'cell' ? 'Cells' : 'Drugs'}`, chart.node)
}
