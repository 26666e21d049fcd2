import type { Fate } from '../../experiment/fate.js'
import type { ConvergenceStatus } from '../convergence.js'
import type { LastError } from '../run-files.js'
import type { RunState } from '../run-state.js'

/**
 * What report.html holds: written by `gather`, read by the page (report/). Numbers have six significant digits.
 * Large tables lie beside it as typed arrays: see `Blocks`.
 */
export interface ReportContent {
  /** When the page was made, ISO 8601. */
  readonly made: string
  readonly experiment: ExperimentFacts
  readonly counts: Readonly<Record<RunFacts['state'], number>>
  /** In UPF order. */
  readonly runs: readonly RunFacts[]
  /** Finished RUNs with predictions, by what they hold out; the kind with most RUNs first. */
  readonly groups: readonly Group[]
  /** null where there is no journal to read. */
  readonly machine: Machine | null
  /** What a reader should know: a damaged journal, predictions that cannot be read. */
  readonly notes: readonly string[]
  /** Resamples behind the interval of a mean, and of each drug and cell. */
  readonly resamples: { readonly means: number; readonly each: number }
}

/** null, or an empty list: the original workflow left the EXP, and tells nothing of it. */
export interface ExperimentFacts {
  readonly name: string
  readonly workflow: string
  /** Of upf-heds. */
  readonly version: string | null
  readonly id: string | null
  readonly site: string | null
  readonly created: string | null
  readonly upf: string | null
  readonly dflts: string
  /** The EXP it was restarted from; null for a new one. */
  readonly from: string | null
  readonly dataSource: string | null
  readonly data: readonly {
    readonly name: string
    readonly bytes: number
    readonly sha256: string
  }[]
  readonly machine: {
    readonly backend: string
    readonly threads: number
    readonly procs: number
    readonly ppn: number
  } | null
  /** How it ended; null while it runs, or if its leader died. */
  readonly ended: { readonly reason: string; readonly time: string } | null
  readonly isRunning: boolean
  /** Values of DFLTS as given, for the table of settings. */
  readonly shared: Readonly<Record<string, unknown>>
}

export interface RunFacts {
  readonly run: string
  readonly state: RunState['state']
  /** What is wrong with the files of a damaged RUN; '' of others. */
  readonly damage: string
  readonly by: Group['by']
  /** The drug or cell that it holds out; '' where it holds out none. */
  readonly holds: string
  /** null where nobody tells, or it is no number. */
  readonly seed: number | null
  /** Epochs in history.txt; so many values of the curves are its own. */
  readonly epochs: number
  /** How its training went; null where no epoch of it is known. */
  readonly convergence: ConvergenceStatus | null
  /** Why its last attempt failed, its log cut to the last lines; null where none did, or it finished. */
  readonly error: LastError | null
}

/** Mean and the 95 % percentile interval of the bootstrap; null where there is too little to resample. */
export interface Interval {
  readonly mean: number
  readonly low: number | null
  readonly high: number | null
}

/** RUNs that hold out the same kind of thing: drugs, cells, or rows drawn at random. */
export interface Group {
  readonly by: 'drug' | 'cell' | 'random'
  /** What the rows of a RUN are told apart by. */
  readonly labelled: 'cell' | 'drug'
  readonly entries: readonly Entry[]
  readonly labels: readonly LabelEntry[]
  /** Mean over the entries of their root mean square error: each drug counts the same, however many RUNs it has. */
  readonly rmse: Interval
  /** Above this RMSE begins the high-error tail: Q3 + 1.5 (Q3 − Q1). null where there are too few entries. */
  readonly fence: number | null
  readonly recall: Recall | null
  /** How the pairs of this group are packed. */
  readonly pairs: PairScale
}

/** A held-out drug (or cell) with all its finished RUNs, which differ by their seeds; of random rows one RUN. */
export interface Entry {
  /** Indices into `runs`. */
  readonly runs: readonly number[]
  readonly name: string
  /** Of all its RUNs. */
  readonly rows: number
  /** Mean square error over the rows of all its RUNs: of RUNs with as many rows, the mean of theirs. */
  readonly mse: Interval
  /** Mean of predicted − true. */
  readonly bias: Interval
  /** Root mean square deviation of replicates from their mean: no model can do better. null without replicates, and of random rows. */
  readonly noise: number | null
  /** Means over its RUNs. */
  readonly r2: number | null
  readonly pcc: number | null
  readonly scc: number | null
  /** Mean square error over the validation rows; null where unknown. */
  readonly valMse: number | null
  /** Of each of several RUNs; empty where there is one. */
  readonly each: readonly RunScores[]
}

export interface RunScores {
  readonly mse: number
  readonly bias: number
  readonly r2: number | null
  readonly scc: number | null
}

/**
 * One cell (or drug) over all entries of the group. Replicates and RUNs of one drug are averaged before anything else, as
 * in cells.csv; of random test sets, whose rows of a cell are of several drugs, each row counts.
 */
export interface LabelEntry {
  readonly name: string
  readonly rows: number
  /** How many entries met it. */
  readonly entries: number
  readonly mse: Interval
  readonly bias: Interval
}

/** Of the k drugs with the truly lowest AUC in a cell, the share among the k lowest predicted. */
export interface Recall {
  /** Sizes that the page offers. */
  readonly sizes: readonly number[]
  readonly cells: readonly CellRecall[]
  /** Mean over the cells for k = 1, 2, …; cells with more than k drugs count. */
  readonly curve: readonly (Interval & {
    readonly k: number
    /** That of a random order: mean of k / drugs. */
    readonly chance: number
    readonly cells: number
  })[]
}

export interface CellRecall {
  readonly name: string
  readonly drugs: number
  /** Spearman's correlation of true and predicted AUC over the drugs; null where undefined. */
  readonly scc: number | null
  /** One a size; null where the cell has no more drugs than that. */
  readonly recall: readonly (number | null)[]
}

/** Values are `low + step · integer`. */
export interface PairScale {
  readonly low: number
  /** The largest value. */
  readonly high: number
  readonly step: number
  readonly count: number
}

/**
 * Arrays beside the content, each deflated and in base64:
 *
 *     pairs-<group>   u8  [entries × labels] rows of the pair, 255 for more; then of each pair with rows,
 *                         entry by entry, its mean true and mean predicted value: u16 as four byte planes
 *                         (low and high of true, low and high of predicted), each `count` long
 *     curves          f32 val_loss, then loss, then seconds: of each RUN in order, one value an epoch; NaN unknown
 */
export type Blocks = Readonly<Record<string, Uint8Array>>

/** How the ranks spent their time, as the journal tells. */
export interface Machine {
  readonly lives: readonly LeaderLife[]
  readonly lanes: readonly Lane[]
  readonly bars: readonly Bar[]
  /** Seconds of all ranks together. */
  readonly busy: number
  readonly idle: number
  /** Idle seconds after the last RUN had been given out: too few RUNs were left for all ranks. */
  readonly idleAtEnd: number
  /** Seconds that a leader led. */
  readonly seconds: number
}

/** Time runs only while a leader leads: the gaps between are left out. Seconds since the first began. */
export interface LeaderLife {
  readonly epoch: number
  readonly host: string
  readonly job: string
  readonly time: string
  readonly from: number
  readonly to: number
}

/** One rank, or one of its slots. */
export interface Lane {
  readonly rank: number
  readonly host: string
  readonly busy: number
  readonly idle: number
}

/** One attempt. */
export interface Bar {
  /** Index into `runs`. */
  readonly run: number
  readonly attempt: number
  readonly lane: number
  readonly from: number
  readonly to: number
  /** null: no end of it is known. */
  readonly fate: Fate | 'finished' | null
  /** What failed it, at most 200 characters. */
  readonly message: string
  /** It was the last one that the RUN got. */
  readonly final: boolean
}
