import { plural } from '../../base/plural.js'
import type { Entry, Interval, ReportContent } from './content.js'

/** What the page says first, for a terminal. */
export interface Summary {
  readonly exp: string
  readonly counts: ReportContent['counts']
  readonly groups: readonly {
    readonly by: string
    /** Held-out drugs (cells, random test sets), and their finished RUNs. */
    readonly entries: number
    readonly runs: number
    /** Mean over the entries of their RMSE. */
    readonly rmse: Interval
    /** Beyond the fence, worst first; null where there are too few for one. */
    readonly tail: readonly { readonly name: string; readonly rmse: number }[] | null
  }[]
  /** RUNs without a result, by state. */
  readonly missing: Readonly<Record<string, readonly string[]>>
  readonly notes: readonly string[]
}

export function summaryOf({ experiment, counts, groups, runs, notes }: ReportContent): Summary {
  const missing: Record<string, string[]> = {}
  for (const { run, state } of runs) if (state !== 'finished') (missing[state] ??= []).push(run)
  return {
    ...{ exp: experiment.name, counts, missing, notes },
    groups: groups.map(({ by, entries, rmse, fence }) => ({
      ...{ by, entries: entries.length, runs: runsOf(entries), rmse },
      tail:
        fence === null
          ? null
          : entries
              .map(e => ({ name: e.name, rmse: Math.sqrt(e.mse.mean) }))
              .filter(e => e.rmse > fence)
              .sort((a, b) => b.rmse - a.rmse),
    })),
  }
}

function runsOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, e) => sum + e.runs.length, 0)
}

/** Names on one line. */
const NAMED = 8

export function summaryLines({ exp, counts, groups, missing, notes }: Summary): string[] {
  const total = Object.values(counts).reduce((a, b) => a + b, 0)
  return [
    `${exp}: ${counts.finished} of ${total} RUNs finished`,
    ...groups.flatMap(({ by, entries, runs: own, rmse, tail }) => {
      const things = plural(entries, by === 'random' ? 'random test set' : `held-out ${by}`)
      const what = own === entries ? things : `${things} (${plural(own, 'RUN')})`
      const range =
        rmse.low === null ? '' : ` [${rmse.low.toFixed(4)}, ${rmse.high?.toFixed(4) ?? '?'}]`
      const names = tail?.map(e => `${e.name} ${e.rmse.toFixed(4)}`) ?? []
      return [
        `RMSE of ${what}: mean ${rmse.mean.toFixed(4)}${range}`,
        ...(tail === null ? [] : [`high-error tail: ${listed(names)}`]),
      ]
    }),
    ...Object.entries(missing).map(([state, names]) => `${state}: ${listed(names)}`),
    ...notes.map(note => `note: ${note}`),
  ]
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const rest = names.length - NAMED
  return names.slice(0, NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
