import { choice, el, section } from './dom.js'
import { figure } from './figure.js'
import { fixed, interval, num, plural, root } from './format.js'
import { nounOf } from './model.js'
import { domainOf, pointsOf } from './one-entry.js'
import { scatter, type Point } from './scatter.js'
import type { View } from './view.js'

/** All that is told of one cell (drug) over the RUNs; in a cell, its top drugs and whether they were found. */
export function oneLabelSection(view: View): HTMLElement {
  const { group } = view
  const { labelled: what } = group
  const isDrugs = group.by === 'drug'
  const other = nounOf(group.by)
  // with fewer drugs than that all are top
  const sizes = ['5', '10', '20', '50'].filter(k => Number(k) < group.entries.length)
  const hasTop = group.by === 'drug' && sizes.length > 0
  let size = sizes.includes('10') ? '10' : (sizes.at(-1) ?? '0')
  const heading = el('h3', { class: 'chosen', 'aria-live': 'polite' })
  const about = el('p')
  const lists = el('div', { class: 'columns' })
  const names = el('datalist', { id: 'labels-known' })
  for (const { name } of group.labels) names.append(el('option', { value: name }))
  const input = el('input', { list: 'labels-known', autocomplete: 'off', spellcheck: 'false' })
  input.addEventListener('change', () => {
    const found = group.labels.findIndex(l => l.name === input.value)
    input.setCustomValidity(found < 0 ? `There is no ${what} of this name.` : '')
    input.reportValidity()
    if (found >= 0) view.selectLabel(found)
  })

  const found = () =>
    topOf(pointsOf(view, group.pairsOfLabel(view.label), 'entry'), hasTop ? Number(size) : 0)
  const chart = figure({
    title: 'True against predicted',
    label: () => {
      const { name, mse } = group.labels[view.label]!
      return `Predicted against true AUC of the ${other}s of ${name}, RMSE ${num(Math.sqrt(mse.mean))}`
    },
    most: 460,
    draw: width =>
      scatter(
        {
          ...{ points: found().points, domain: domainOf(view), selected: view.entry },
          onSelect: view.selectEntry,
        },
        width,
      ),
    caption: () => {
      const { points } = found()
      const has = (tone: Point['tone']) => points.some(p => p.tone === tone)
      const isChosen = points.some(p => p.index === view.entry)
      return [
        `A dot a ${other}${group.by === 'random' ? ', the mean of its rows' : ', replicates averaged'}. Dashed: what a perfect model would say.`,
        has('hit') ? `Green: truly among the lowest ${size}, and predicted so.` : '',
        has('miss') ? `Red: truly among the lowest ${size}, and missed.` : '',
        isChosen ? `Ring: the ${other} chosen above.` : '',
      ]
        .filter(text => text !== '')
        .join(' ')
    },
    table: {
      name: `true and predicted by ${other}`,
      columns: [other, 'rows', 'true AUC', 'predicted AUC', 'difference'],
      rows: () =>
        [...found().points]
          .sort((a, b) => a.aucTrue - b.aucTrue)
          .map(p => [
            { text: p.name, choose: () => view.goToEntry(p.index) },
            ...[p.rows, fixed(p.aucTrue), fixed(p.aucPred), fixed(p.aucPred - p.aucTrue)],
          ]),
    },
  })
  const follow = () => {
    const label = group.labels[view.label]!
    heading.textContent = label.name
    input.value = label.name
    const cell = group.recall?.cells.find(c => c.name === label.name)
    about.textContent = `RMSE ${interval(root(label.mse))} over ${plural(label.entries, other)}, bias ${interval(label.bias)}${
      isDrugs && cell ? `, Spearman ${num(cell.scc)} over the drugs` : ''
    }.`
    if (hasTop) lists.replaceChildren(...topLists(found()))
    chart.draw()
  }
  view.onSelect(follow)
  follow()
  return section(
    'one-label',
    `One ${what}`,
    el(
      'p',
      { class: 'controls screen' },
      el('label', { class: 'choice' }, `Name of the ${what} `, input),
      names,
      hasTop
        ? choice(
            'Top',
            sizes.map(k => [k, `${k} drugs`] as const),
            size,
            k => {
              size = k
              follow()
            },
          )
        : null,
    ),
    heading,
    about,
    el('div', { class: 'columns' }, chart.node, lists),
  )
}

interface Top {
  readonly points: Point[]
  readonly byTrue: readonly Point[]
  readonly byPred: readonly Point[]
}

/** Colour the k truly lowest by whether they are among the k lowest predicted. */
function topOf(points: readonly Point[], size: number): Top {
  const k = Math.min(size, points.length)
  const lowest = (key: 'aucTrue' | 'aucPred') =>
    [...points].sort((a, b) => a[key] - b[key] || (a.name < b.name ? -1 : 1)).slice(0, k)
  const [byTrue, byPred] = [lowest('aucTrue'), lowest('aucPred')]
  const toned = points.map((p): Point => {
    if (!byTrue.includes(p)) return p
    return { ...p, tone: byPred.includes(p) ? 'hit' : 'miss' }
  })
  return { points: toned, byTrue, byPred }
}

function topLists({ byTrue, byPred }: Top): HTMLElement[] {
  const list = (
    title: string,
    points: readonly Point[],
    others: readonly Point[],
    key: 'aucTrue' | 'aucPred',
  ) =>
    el(
      'div',
      {},
      el('h4', {}, title),
      el(
        'ol',
        { class: 'top' },
        ...points.map(p =>
          el(
            'li',
            {},
            p.name,
            el('span', { class: 'muted' }, ` ${fixed(p[key], 3)}`),
            others.includes(p) ? el('strong', { class: 'hit' }, ' ✓ in both') : null,
          ),
        ),
      ),
    )
  return [
    list('Lowest true AUC', byTrue, byPred, 'aucTrue'),
    list('Lowest predicted AUC', byPred, byTrue, 'aucPred'),
  ]
}
