import { attemptsOf } from './attempts.js'
import { el, facts, newId } from './dom.js'
import { figure } from './figure.js'
import { count } from './format.js'
import type { Model } from './model.js'
import { trainedText } from './one-entry.js'
import { trainingChart } from './training-chart.js'
import { curvesOf } from './training-section.js'
import type { Missing } from './view.js'

/** All that is told of a RUN without a result: where it stands, why its last attempt failed, what it printed last. */
export function oneMissing(model: Model, missing: Missing): HTMLElement | null {
  if (missing.run === undefined) return null
  const heading = el('h3', { class: 'chosen', 'aria-live': 'polite' })
  const [about, attempts, log, curve] = [el('div'), el('div'), el('div'), el('div')]
  const run = () => missing.run!
  const chart = figure({
    title: 'Training so far',
    label: () => `Loss of each epoch of ${model.runs[run()]!.run}`,
    most: 460,
    draw: width =>
      trainingChart({ curves: curvesOf(model, [run()]), bands: [], width, height: 240 }),
  })
  curve.append(chart.node)
  const follow = () => {
    const { state, damage, seed, epochs, error } = model.runs[run()]!
    heading.textContent = nameOf(model, run())
    about.replaceChildren(
      facts([
        ['state', state],
        ['seed', seed === null ? 'not known' : String(seed)],
        ['epochs done', epochs === 0 ? 'none' : trainedText(model, run())],
      ]),
      ...(damage === ''
        ? []
        : [el('p', {}, `Damaged: ${damage}. `, el('code', {}, 'resume'), ' does it again.')]),
      ...(error
        ? [
            el(
              'p',
              {},
              el('strong', {}, `Attempt ${error.attempt} ${error.fate}:`),
              ` ${error.message}`,
            ),
          ]
        : []),
    )
    attempts.replaceChildren(...attemptsOf(model, [run()]))
    log.replaceChildren(...(error && error.log.length > 0 ? logOf(error.log, error.attempt) : []))
    curve.hidden = epochs === 0
    chart.draw()
  }
  missing.onSelect(follow)
  follow()
  return el(
    'div',
    { id: 'one-missing' },
    el('h3', {}, 'One RUN without a result'),
    picker(model, missing),
    heading,
    el('div', { class: 'columns' }, el('div', {}, about, attempts), curve),
    log,
  )
}

/** `RUN049 (Drug_50)` */
export function nameOf({ runs }: Model, index: number): string {
  const { run, holds } = runs[index]!
  return holds === '' ? run : `${run} (${holds})`
}

function logOf(lines: readonly string[], attempt: number): HTMLElement[] {
  const title = `Last ${lines.length === 1 ? 'line' : `${count(lines.length)} lines`} of attempt ${attempt}`
  const text = el('pre', { tabindex: 0, role: 'region', 'aria-label': title }, lines.join('\n'))
  return [el('h4', {}, title), text]
}

function picker(model: Model, missing: Missing): HTMLElement {
  const id = newId('missing')
  const titles = missing.runs.map(r => nameOf(model, r))
  const names = el('datalist', { id })
  for (const value of titles) names.append(el('option', { value }))
  const input = el('input', { list: id, autocomplete: 'off', spellcheck: 'false' })
  input.addEventListener('change', () => {
    const at = titles.indexOf(input.value)
    const index = at < 0 ? missing.runs.findIndex(r => model.runs[r]!.run === input.value) : at
    input.setCustomValidity(index < 0 ? 'There is no such RUN without a result.' : '')
    input.reportValidity()
    if (index >= 0) missing.select(missing.runs[index]!)
  })
  const show = () => {
    input.value = nameOf(model, missing.run!)
  }
  missing.onSelect(show)
  show()
  return el(
    'p',
    { class: 'controls screen' },
    el('label', { class: 'choice' }, 'Its name ', input),
    names,
  )
}
