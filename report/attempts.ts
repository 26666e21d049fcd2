import { el } from './dom.js'
import { rowOf } from './figure.js'
import { seconds } from './format.js'
import type { Model } from './model.js'

/** What RUNs went through, as the journal tells. @param runs indices, of one drug */
export function attemptsOf({ machine, runs: all, experiment }: Model, runs: readonly number[]) {
  const bars = machine?.bars.filter(b => runs.includes(b.run)) ?? []
  if (!machine || bars.length === 0) {
    const why = !machine
      ? 'There is no journal: nothing is known of its attempts.'
      : experiment.from === null
        ? 'The journal tells of no attempt.'
        : `The journal tells of no attempt: what there is was carried over from ${experiment.from}.`
    return [el('p', { class: 'muted' }, why)]
  }
  const isOne = runs.length === 1
  const rows = bars.map(bar => {
    const { rank, host } = machine.lanes[bar.lane]!
    return rowOf([
      ...(isOne ? [] : [all[bar.run]!.run]),
      ...[bar.attempt, `rank ${rank} on ${host}`, seconds(bar.to - bar.from)],
      `${bar.fate ?? 'no end known'}${bar.message === '' ? '' : `: ${bar.message}`}`,
    ])
  })
  const names = [...(isOne ? [] : ['RUN']), 'attempt', 'where', 'time', 'how it ended']
  const head = names.map(c => el('th', { scope: 'col' }, c))
  const title = isOne ? `Attempts of ${all[runs[0]!]!.run}` : 'Attempts of its RUNs'
  return [
    el('h4', {}, title),
    el(
      'div',
      { class: 'wide', tabindex: 0, role: 'region', 'aria-label': title },
      el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows)),
    ),
  ]
}
