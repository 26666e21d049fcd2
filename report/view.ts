import type { GroupModel, Model } from './model.js'

/** What the reader looks at. Figures are drawn anew when what they show changes, the page's width, or for print. */
export interface View {
  readonly model: Model
  readonly group: GroupModel
  /** Index into the group's entries: the drug, cell or RUN that is shown in full. */
  readonly entry: number
  /** Index into the group's labels. */
  readonly label: number
  readonly selectEntry: (entry: number) => void
  readonly selectLabel: (label: number) => void
  /** Select it from afar: the page goes where it is shown. */
  readonly goToEntry: (entry: number) => void
  readonly goToLabel: (label: number) => void
  /** Draw with each change of the selection. `soon`: what only marks it in a large chart, which must not hold up the rest. */
  readonly onSelect: (draw: () => void, when?: 'soon') => void
}

/** The RUN without a result that is shown in full. */
export interface Missing {
  /** Indices of all of them, what failed first. */
  readonly runs: readonly number[]
  /** undefined: every RUN has finished. */
  readonly run: number | undefined
  readonly select: (run: number) => void
  readonly goTo: (run: number) => void
  readonly onSelect: (draw: () => void) => void
}

const BY_NEED = ['failed', 'damaged', 'interrupted', 'running', 'not started'] as const

export function newMissing({ runs }: Model): Missing {
  const found = BY_NEED.flatMap(state =>
    runs.flatMap((run, index) => (run.state === state ? [index] : [])),
  )
  const draws: (() => void)[] = []
  let [run] = found
  const select = (wanted: number) => {
    run = wanted
    for (const draw of draws) draw()
  }
  return {
    runs: found,
    get run() {
      return run
    },
    select,
    goTo: wanted => {
      select(wanted)
      document.getElementById('one-missing')?.scrollIntoView()
    },
    onSelect: draw => void draws.push(draw),
  }
}

export function newView(model: Model, group: GroupModel): View {
  const draws: (() => void)[] = []
  const later: (() => void)[] = []
  let waiting: ReturnType<typeof setTimeout> | undefined
  const worst = (values: readonly number[]) => values.indexOf(Math.max(...values))
  let entry = worst(group.rmseOf.map(e => e.mean))
  let label = worst(group.labels.map(l => l.mse.mean))
  const changed = () => {
    for (const draw of draws) draw()
    clearTimeout(waiting)
    const drawNext = (at: number) => {
      later[at]?.()
      if (at + 1 < later.length) waiting = setTimeout(drawNext, 0, at + 1)
    }
    waiting = setTimeout(drawNext, 0, 0)
  }
  const selectEntry = (wanted: number) => {
    entry = wanted
    changed()
  }
  const selectLabel = (wanted: number) => {
    label = wanted
    changed()
  }
  const goTo = (id: string) => document.getElementById(id)?.scrollIntoView()
  return {
    ...{ model, group, selectEntry, selectLabel },
    get entry() {
      return entry
    },
    get label() {
      return label
    },
    goToEntry: wanted => {
      selectEntry(wanted)
      goTo('one')
    },
    goToLabel: wanted => {
      selectLabel(wanted)
      goTo('one-label')
    },
    onSelect: (draw, when) => void (when === 'soon' ? later : draws).push(draw),
  }
}
