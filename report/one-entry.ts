import { button, el, facts, newId, section } from './dom.js'
import { attemptsOf } from './attempts.js'
import { sorted } from './errors-section.js'
import { figure, rowOf } from './figure.js'
import { count, fixed, interval, num, percent } from './format.js'
import { nounOf, type Model, type Pair } from './model.js'
import { scatter, thumbnail, type Point } from './scatter.js'
import { trainingChart } from './training-chart.js'
import { curvesOf } from './training-section.js'
import type { Missing, View } from './view.js'

/** Small pictures of the worst. */
const THUMBNAILS = 8

/** All that is told of one held-out drug (cell, RUN): it follows what is clicked elsewhere. */
export function oneEntrySection(view: View, missing: Missing): HTMLElement {
  const { group, model } = view
  const what = nounOf(group.by)
  const order = sorted(view, 'rmse').map(i => i.index)
  const heading = el('h3', { class: 'chosen', 'aria-live': 'polite' })
  const about = el('div')
  const attempts = el('div')
  const replicates = el('div')

  const points = () => pointsOf(view, group.pairsOfEntry(view.entry), 'label')
  const pairs = figure({
    title: 'True against predicted',
    label: () =>
      `Predicted against true AUC of ${group.entries[view.entry]!.name}: ${summary(view)}`,
    most: 460,
    draw: width =>
      scatter(
        {
          ...{ points: points(), domain: domainOf(view), selected: view.label },
          onSelect: view.selectLabel,
        },
        width,
      ),
    caption: () => {
      const isChosen = points().some(p => p.index === view.label)
      const { runs } = group.entries[view.entry]!
      const mean = runs.length > 1 ? `, the mean over ${runs.length} RUNs` : ''
      const rows = group.by === 'random' ? 'the mean of its rows' : 'replicates averaged'
      return `A dot a ${group.labelled}${mean}, ${rows}. Dashed: what a perfect model would say.${isChosen ? ` Ring: the ${group.labelled} chosen below.` : ''}`
    },
    table: {
      name: `true and predicted by ${group.labelled}`,
      columns: [group.labelled, 'rows', 'true AUC', 'predicted AUC', 'difference'],
      rows: () =>
        points()
          .sort((a, b) => apart(b) - apart(a))
          .map(p => [
            { text: p.name, choose: () => view.goToLabel(p.index) },
            ...[p.rows, fixed(p.aucTrue), fixed(p.aucPred), fixed(p.aucPred - p.aucTrue)],
          ]),
    },
  })
  const curve = figure({
    title: 'Training',
    label: () => `Loss of each epoch of ${runsOf(view).join(', ')}`,
    most: 460,
    draw: width => {
      const curves = curvesOf(model, group.entries[view.entry]!.runs)
      return curves.every(c => c.valLoss.length === 0)
        ? el('p', { class: 'muted' }, 'No epoch is known: there is no history.txt.')
        : trainingChart({ curves, bands: [], width, height: 240 })
    },
    caption: () =>
      runsOf(view).length > 1 ? `A pair of lines for each of ${runsOf(view).join(', ')}.` : '',
  })
  const follow = () => {
    const entry = group.entries[view.entry]!
    heading.textContent = group.entries[view.entry]!.name
    about.replaceChildren(
      facts([
        ['place', `${order.indexOf(view.entry) + 1} of ${order.length}`],
        [
          entry.runs.length > 1 ? 'RUNs' : 'RUN',
          entry.runs.length > 1 ? `mean over ${entry.runs.length}` : runsOf(view)[0]!,
        ],
        ['RMSE', interval(group.rmseOf[view.entry]!)],
        ['validation RMSE', num(entry.valMse === null ? null : Math.sqrt(entry.valMse))],
        [
          'bias',
          `${interval(entry.bias)}, ${percent(entry.bias.mean ** 2 / entry.mse.mean)} of the MSE`,
        ],
        ['R²', num(entry.r2)],
        ['Spearman', num(entry.scc)],
        ['rows', count(entry.rows)],
        ...(entry.runs.length > 1 ? [] : [['epochs', trainedText(model, entry.runs[0]!)] as const]),
        ['replicates differ by', entry.noise === null ? '–' : `${num(entry.noise)} (sd)`],
      ]),
    )
    replicates.replaceChildren(...replicatesOf(view, missing))
    attempts.replaceChildren(...attemptsOf(model, entry.runs))
    pairs.draw()
    curve.draw()
  }
  view.onSelect(follow)
  follow()
  return section(
    'one',
    `One ${what}`,
    el('p', { class: 'screen' }, `Click a ${what} in any chart or table, or choose:`),
    picker(view, missing, order, what),
    order.length > 1 ? worst(view, order, what) : null,
    heading,
    el('div', { class: 'columns' }, pairs.node, el('div', {}, about, curve.node)),
    replicates,
    attempts,
  )
}

export function trainedText({ runs }: Model, run: number): string {
  const { epochs, convergence } = runs[run]!
  return convergence === null ? 'not known' : `${epochs}, ${convergence}`
}

const apart = (p: Point) => Math.abs(p.aucPred - p.aucTrue)

function runsOf({ model, group, entry }: View): string[] {
  return group.entries[entry]!.runs.map(r => model.runs[r]!.run)
}

/** RUNs of the same drug side by side, those without a result among them; nothing where there is one. */
function replicatesOf({ model, group, entry }: View, missing: Missing): HTMLElement[] {
  const { runs, each, name } = group.entries[entry]!
  const lacking = missing.runs.filter(r => {
    const { by, holds } = model.runs[r]!
    return by === group.by && holds === name
  })
  if (runs.length + lacking.length === 1) return []
  const rows = runs.map((r, i) => {
    const { run, seed } = model.runs[r]!
    const own = each[i]
    const values = own && [num(Math.sqrt(own.mse)), num(own.bias), num(own.r2), num(own.scc)]
    return rowOf([run, seed ?? '–', ...(values ?? ['as above', '', '', '']), trainedText(model, r)])
  })
  const others = lacking.map(r => {
    const { run, seed, state } = model.runs[r]!
    const link = { text: run, choose: () => missing.goTo(r) }
    return rowOf([link, seed ?? '–', state, '', '', '', trainedText(model, r)])
  })
  const names = ['RUN', 'seed', 'RMSE', 'bias', 'R²', 'Spearman', 'epochs']
  const head = el('tr', {}, ...names.map(c => el('th', { scope: 'col' }, c)))
  const title = `RUNs of this ${nounOf(group.by)}`
  return [
    el('h4', {}, title),
    el(
      'div',
      { class: 'wide', tabindex: 0, role: 'region', 'aria-label': title },
      el('table', {}, el('thead', {}, head), el('tbody', {}, ...rows, ...others)),
    ),
  ]
}

function summary({ group, entry }: View): string {
  const { rows, r2, scc } = group.entries[entry]!
  return `${rows} rows, RMSE ${num(group.rmseOf[entry]!.mean)}, R² ${num(r2)}, Spearman ${num(scc)}`
}

/** A field that knows all names, and steps through them from the worst on. */
function picker(view: View, missing: Missing, order: readonly number[], what: string): HTMLElement {
  const { entries, absent } = view.group
  const id = newId('names')
  const names = el('datalist', { id })
  for (const index of order) names.append(el('option', { value: entries[index]!.name }))
  for (const { name } of absent) names.append(el('option', { value: name }))
  const input = el('input', { list: id, autocomplete: 'off', spellcheck: 'false' })
  input.addEventListener('change', () => {
    const found = entries.findIndex(e => e.name === input.value)
    const without = absent.find(a => a.name === input.value)
    const isKnown = found >= 0 || without !== undefined
    input.setCustomValidity(isKnown ? '' : `There is no ${what} of this name.`)
    input.reportValidity()
    if (found >= 0) view.selectEntry(found)
    else if (without) missing.goTo(without.runs[0]!)
  })
  const step = (by: number) => () => {
    const at = order.indexOf(view.entry) + by
    if (order[at] !== undefined) view.selectEntry(order[at])
  }
  const show = () => {
    input.value = entries[view.entry]!.name
  }
  view.onSelect(show)
  show()
  return el(
    'p',
    { class: 'controls screen' },
    el('label', { class: 'choice' }, `Name of the ${what} `, input),
    names,
    button('← worse', step(-1)),
    button('better →', step(1)),
  )
}

/** The worst ones side by side: often enough to see what is wrong with them. */
function worst(view: View, order: readonly number[], what: string): HTMLElement {
  const { group } = view
  const shown = order.slice(0, THUMBNAILS)
  const press = () => {
    for (const [i, node] of [...strip.children].entries())
      node.setAttribute('aria-pressed', String(shown[i] === view.entry))
  }
  const strip = el(
    'div',
    { class: 'thumbnails', role: 'group', 'aria-label': `The ${what}s with the highest error` },
    ...shown.map(index => {
      const points = pointsOf(view, group.pairsOfEntry(index), 'label')
      const node = button('', () => view.selectEntry(index), { class: 'thumbnail' })
      node.append(
        thumbnail(points, domainOf(view)),
        el('span', { class: 'name' }, group.entries[index]!.name),
        el('span', { class: 'muted' }, `RMSE ${num(group.rmseOf[index]!.mean)}`),
      )
      return node
    }),
  )
  view.onSelect(press)
  press()
  return strip
}

/** @param by what tells the points apart: labels of one entry, or entries of one label */
export function pointsOf({ group }: View, pairs: readonly Pair[], by: 'label' | 'entry'): Point[] {
  return pairs.map(pair => ({
    index: pair[by],
    name: by === 'label' ? group.labels[pair.label]!.name : group.entries[pair.entry]!.name,
    ...{ aucTrue: pair.aucTrue, aucPred: pair.aucPred, rows: pair.rows, tone: 'plain' },
  }))
}

/** AUC lies in 0 … 1; other responses where they are. */
export function domainOf({ group: { pairs } }: View): [number, number] {
  const { low, high } = pairs
  return low >= 0 && high <= 1 ? [0, 1] : [Math.floor(low), Math.ceil(high)]
}
