import * as Plot from '@observablehq/plot'
import type { Bar } from '../src/analysis/report/content.js'
import { button, el, section } from './dom.js'
import { figure } from './figure.js'
import { count, plural } from './format.js'
import { FATE_COLOURS } from './gantt.js'
import type { Model } from './model.js'
import { nameOf, oneMissing } from './one-missing.js'
import { wholeTicks } from './ticks.js'
import type { Missing } from './view.js'

/** What went wrong, by how; and which RUNs have no result. */
export function failuresSection(model: Model, missing: Missing): HTMLElement {
  const { runs, machine } = model
  const failed = machine?.bars.filter(b => b.fate !== null && b.fate !== 'finished') ?? []
  return section(
    'failures',
    'Failures and missing RUNs|Failures',
    failed.length > 0
      ? fatesFigure(model, failed)
      : el(
          'p',
          {},
          !machine
            ? 'There is no journal to tell of attempts.'
            : machine.bars.length === 0
              ? 'The journal tells of no attempt.'
              : 'No attempt failed.',
        ),
    ...(['failed', 'damaged', 'interrupted', 'running', 'not started'] as const).map(state =>
      listOf(model, missing, state),
    ),
    runs.every(r => r.state === 'finished') ? el('p', {}, 'No RUN is missing.') : null,
    oneMissing(model, missing),
  )
}

interface Row {
  readonly fate: string
  readonly attempts: number
  readonly outcome: 'its RUN finished later' | 'its RUN has no result'
}

function fatesFigure(model: Model, failed: readonly Bar[]): HTMLElement {
  const { runs, machine } = model
  const rows = new Map<string, Row>()
  for (const { run, fate } of failed) {
    const outcome =
      runs[run]!.state === 'finished' ? 'its RUN finished later' : 'its RUN has no result'
    const key = `${fate ?? ''} ${outcome}`
    rows.set(key, { fate: fate!, outcome, attempts: (rows.get(key)?.attempts ?? 0) + 1 })
  }
  const data = [...rows.values()].sort((a, b) => b.attempts - a.attempts)
  const fates = [...new Set(data.map(r => r.fate))]
  const totals = fates.map(f => ({ fate: f, total: failed.filter(b => b.fate === f).length }))
  const affected = new Set(failed.map(b => b.run)).size
  const said = `${plural(failed.length, 'attempt')} of ${plural(affected, 'RUN')} did not finish: ${totals.map(f => `${f.fate} ${f.total}`).join(', ')}.`
  return figure({
    title: 'Attempts that did not finish, by fate',
    label: () => said,
    most: 760,
    draw: width =>
      Plot.plot({
        ...{
          width,
          height: 60 + 26 * fates.length,
          marginLeft: 110,
          marginRight: 40,
          marginBottom: 40,
        },
        x: {
          label: 'attempts →',
          grid: true,
          ticks: wholeTicks(0, Math.max(...totals.map(d => d.total)), 8),
          tickFormat: 'd',
        },
        y: { domain: fates, label: null, tickSize: 0 },
        marks: [
          Plot.barX(data, {
            ...{ x: 'attempts', y: 'fate', inset: 2 },
            fill: (d: Row) => FATE_COLOURS[d.fate] ?? 'var(--muted)',
            fillOpacity: (d: Row) => (d.outcome === 'its RUN finished later' ? 0.45 : 1),
          }),
          Plot.text(totals, {
            x: 'total',
            y: 'fate',
            text: 'total',
            dx: 5,
            textAnchor: 'start',
          }),
          Plot.ruleX([0]),
        ],
      }),
    caption: () =>
      data.some(d => d.outcome === 'its RUN finished later')
        ? `${said} Pale: the RUN finished in a later attempt.`
        : said,
    table: {
      name: 'attempts that did not finish',
      columns: ['RUN', 'attempt', 'fate', 'rank', 'host', 'message', 'in the end'],
      rows: () =>
        failed.map(b => {
          const { rank, host } = machine!.lanes[b.lane]!
          const { run, state } = runs[b.run]!
          return [run, b.attempt, b.fate ?? '', rank, host, b.message, state]
        }),
    },
  }).node
}

/** Names without a click; the rest opens. */
const NAMED = 40

const SAID = {
  failed: ['failed: its attempts are used up', 'failed: their attempts are used up'],
  damaged: ['has a marker that its files do not fit', 'have markers that their files do not fit'],
  interrupted: ['was begun and waits for resume', 'were begun and wait for resume'],
  running: ['was running when this page was made', 'were running when this page was made'],
  'not started': ['was not started', 'were not started'],
} as const

function listOf(model: Model, missing: Missing, state: keyof typeof SAID): HTMLElement | null {
  const all = missing.runs.filter(r => model.runs[r]!.state === state)
  if (all.length === 0) return null
  const title = `${plural(all.length, 'RUN')} ${SAID[state][all.length === 1 ? 0 : 1]}`
  const item = (r: number) => {
    const { error, damage } = model.runs[r]!
    const why = damage !== '' ? damage : error ? `${error.fate}: ${error.message}` : ''
    const link = button(nameOf(model, r), () => missing.goTo(r), { class: 'link' })
    return el('li', {}, link, why === '' ? '' : ` ${why}`)
  }
  const hasWhy = all.some(r => model.runs[r]!.error !== null || model.runs[r]!.damage !== '')
  const kind = hasWhy ? 'missing' : 'missing names'
  return el(
    'div',
    {},
    el('h3', {}, title),
    el('ul', { class: kind }, ...all.slice(0, NAMED).map(item)),
    rest(all.slice(NAMED), indices => el('ul', { class: kind }, ...indices.map(item))),
  )
}

function rest(
  indices: readonly number[],
  list: (indices: readonly number[]) => HTMLElement,
): HTMLElement | null {
  if (indices.length === 0) return null
  const details = el('details', {}, el('summary', {}, `and ${count(indices.length)} more`))
  details.addEventListener('toggle', () => {
    if (details.childElementCount === 1) details.append(list(indices))
  })
  return details
}
