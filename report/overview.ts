import { el, facts, section } from './dom.js'
import { clock, count, interval, percent, plural, seconds, tenths } from './format.js'
import { nounOf, type Model } from './model.js'

export function header(model: Model, ...controls: readonly Node[]): HTMLElement {
  const { experiment: e, made } = model
  const workflow =
    e.workflow === 'hed' ? 'High Error Drug sweep' : `Sweep of the workflow ${e.workflow}`
  return el(
    'header',
    {},
    el(
      'div',
      {},
      el('p', { class: 'kicker' }, workflow),
      el('h1', {}, e.name),
      el(
        'p',
        { class: 'muted' },
        `${e.upf ?? 'UPF not known'} with ${e.dflts}${e.created === null ? '' : `, made ${clock(e.created)}`}. Page of ${clock(made)}.`,
      ),
    ),
    el('div', { class: 'controls screen' }, ...controls),
  )
}

/** What a reader wants to know first. */
export function overview(model: Model): HTMLElement {
  const { experiment: e, runs, counts, machine } = model
  const tiles: (readonly [name: string, value: string, more: string])[] = [
    ['RUNs finished', `${count(counts.finished)} of ${count(runs.length)}`, standing(model)],
  ]
  for (const { by, rmse, fence, entries, recall } of model.models) {
    const what = nounOf(by)
    const own = entries.reduce((sum, x) => sum + x.runs.length, 0)
    const of = own === entries.length ? '' : `${plural(own, 'RUN')}, averaged by ${what}; `
    tiles.push([
      `mean RMSE of ${plural(entries.length, by === 'random' ? 'random test set' : `held-out ${what}`)}`,
      interval({ ...rmse, low: null, high: null }),
      rmse.low === null
        ? `${of}too few for an interval`
        : `${of}95 %: ${interval({ mean: rmse.low, low: null, high: null })} to ${interval({ mean: rmse.high!, low: null, high: null })}`,
    ])
    if (fence !== null) {
      const tail = entries.filter(x => Math.sqrt(x.mse.mean) > fence).length
      tiles.push([
        tail === 1 ? `high-error ${what}` : `high-error ${what}s`,
        String(tail),
        `${percent(tail / entries.length)} of those tested`,
      ])
    }
    const ten = recall?.curve[9]
    if (ten)
      tiles.push([
        'recall of the true top 10 drugs',
        percent(ten.mean),
        `${ten.low === null ? '' : `95 %: ${tenths(ten.low)} to ${tenths(ten.high!)}; `}random order: ${tenths(ten.chance)}`,
      ])
  }
  if (machine && machine.bars.length > 0)
    tiles.push([
      'ranks busy',
      percent(machine.busy / (machine.busy + machine.idle)),
      `${plural(new Set(machine.lanes.map(l => l.rank)).size, 'rank')}, ${seconds(machine.seconds)}`,
    ])
  const missing = runs.filter(r => r.state !== 'finished').map(r => r.run)
  const notes = [
    ...(e.isRunning
      ? ['The sweep was running when this page was made: what it tells is of RUNs finished so far.']
      : []),
    ...(missing.length > 0 && counts.finished > 0 && !e.isRunning
      ? [
          missing.length === 1
            ? `${missing[0]!} has no result, and means are without it.`
            : `${count(missing.length)} RUNs have no result, and means are without them: ${named(missing)}.`,
        ]
      : []),
    ...(counts.damaged > 0
      ? [
          `The files of ${plural(counts.damaged, 'RUN')} are damaged: resume does ${counts.damaged === 1 ? 'it' : 'them'} again; see Failures.`,
        ]
      : []),
    ...(counts.finished === 0 ? ['No RUN has finished: there are no errors to show yet.'] : []),
    ...model.notes,
  ]
  const { machine: m } = e
  const all: readonly (readonly [name: string, value: string | null])[] = [
    ['UPF', `${e.upf ?? 'not known'}, ${plural(runs.length, 'RUN')}`],
    ['DFLTS', e.dflts],
    ['data', e.dataSource],
    ['computed by', m && `${m.backend}, ${plural(m.threads, 'thread')} a rank`],
    ['where', m && `${e.site ?? ''}, ${m.procs} ranks, ${m.ppn} a node`],
    ['made', e.created && clock(e.created)],
    [
      'ended',
      e.ended ? `${clock(e.ended.time)}: ${e.ended.reason}` : e.isRunning ? 'runs' : 'not known',
    ],
    ['restarted from', e.from],
  ]
  const told = all.filter(([, value]) => value !== null)
  return section(
    'overview',
    'Overview',
    el(
      'ul',
      { class: 'tiles' },
      ...tiles.map(([name, value, more]) =>
        el(
          'li',
          {},
          el('span', { class: 'name' }, name),
          el('strong', {}, value),
          el('span', { class: 'muted' }, more),
        ),
      ),
    ),
    notes.length > 0 ? el('ul', { class: 'notes' }, ...notes.map(n => el('li', {}, n))) : null,
    facts(told),
  )
}

function standing({ counts }: Model): string {
  const parts = (['failed', 'damaged', 'running', 'interrupted', 'not started'] as const)
    .filter(state => counts[state] > 0)
    .map(state => `${count(counts[state])} ${state}`)
  return parts.length === 0 ? 'all of them' : parts.join(', ')
}

/** The section on failures has all. */
function named(runs: readonly string[]): string {
  const rest = runs.length - 6
  return rest > 1 ? `${runs.slice(0, 6).join(', ')} and ${rest} more` : runs.join(', ')
}
