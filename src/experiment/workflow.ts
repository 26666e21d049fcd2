import type { Json } from '../base/digest.js'
import type { RunId } from '../base/ids.js'

/** Hyperparameters by name. Values keep the type JSON gave them. */
export type Params = Readonly<Record<string, Json>>

/** One RUN as the plan has it: a UPF line merged over DFLTS over the model's defaults. */
export interface Line {
  readonly run: RunId
  /** 1-based line of the UPF, for messages. */
  readonly line: number
  /** Merged hyperparameters, defaults included; control keys and replaced keys left out. */
  readonly params: Params
  /** Control keys of the line or DFLTS that the workflow may read: `index`, `drug`, `cell`. */
  readonly control: Params
}

/**
 * What a RUN does. One folder under `workflows/`; its `index.ts` exports `workflow`.
 * A workflow never sees the engine or the command line.
 */
export interface Workflow {
  readonly name: string
  /** Model defaults: every hyperparameter it knows that has one. Recorded in exp.json. */
  readonly defaults: Params
  /** Hyperparameters it knows besides those in `defaults`, as exact names or patterns. */
  readonly known: readonly (string | RegExp)[]
  /** Names of the files it needs from DATA_SOURCE. */
  readonly files: readonly string[]
  /**
   * Read and check the data before an EXP is made: missing columns, NaN, truncated files.
   * @throws HedError DATA, one line
   */
  inspect(dataSource: string, backend: string): Promise<DataCheck>
  /** Load what lines name, before `resolve` is asked about them. @param values of DFLTS and each line */
  preload?(values: readonly Params[]): Promise<void>
  /** Raised when the node-local form changes: other versions are staged anew. */
  readonly stageVersion: number
  /**
   * Backend for this machine.
   * @param wanted a name or `auto`
   * @param isElsewhere the executors run on other machines: a name is not asked to load here
   * @throws HedError USAGE naming those that exist
   */
  chooseBackend(
    wanted: string,
    isElsewhere?: boolean,
  ): Promise<{ readonly name: string; readonly why: string }>
  /** Turn the files of DATA_SOURCE into the node-local form, in `target` (exists, private, empty). Runs in a short-lived process. */
  stage(dataSource: string, target: string): Promise<void>
  /** Check what an earlier `stage` left. @throws HedError DATA if it is damaged: it is then staged anew */
  verify(target: string): Promise<void>
  /** Load software and data once per executor. */
  open(settings: SessionSettings): Promise<Session>
}

/** What a workflow found in the data, to check UPF lines against. */
export interface DataCheck {
  /** Lines worth telling the user, e.g. how many rows were left out. */
  readonly notes: readonly string[]
  /**
   * Check one line's hyperparameters and say what it resolves to (`hed`: `{ index, drug }` or the like), which goes
   * into the digest of the RUN. Never throws for bad input: it returns what is wrong, one text each.
   */
  resolve(line: Line): { readonly resolved: Params } | { readonly problems: readonly string[] }
}

export interface SessionSettings {
  /** Node-local folder that `stage` filled. */
  readonly data: string
  /** CPU threads of this executor. Part of what decides the bytes. */
  readonly threads: number
  /** Backend by name, never `auto`. */
  readonly backend: string
}

/** A loaded workflow: does RUN after RUN. */
export interface Session {
  run(context: RunContext): Promise<Outcome>
  close(): Promise<void>
}

export interface RunContext {
  readonly run: RunId
  readonly attempt: number
  readonly params: Params
  readonly resolved: Params
  /** What the RUN's marker will say. */
  readonly digests: { readonly params: string; readonly data: string }
  /** RUN directory; exists. Everything the RUN leaves is below it. */
  readonly directory: string
  /** Node-local folder for this RUN alone: not made yet, may be made 0700 and is removed after the RUN. */
  readonly temporary: string
  /** `work-<leaderEpoch>-<attempt>-<nonce>`: the name of a work directory, so attempts never meet in one. */
  readonly workName: string
  /** Aborted when the RUN must stop: make the last finished epoch durable, then throw `stopped()`. */
  readonly signal: AbortSignal
  /** Throws when another leader has taken the EXP over. Call it before each rename of a checkpoint. */
  fence(): Promise<void>
  progress(progress: Progress): void
  /** One line into the rank's log. */
  log(text: string): void
}

/** Where a RUN is. Absent numbers are not known (yet). */
export interface Progress {
  readonly phase: 'partition' | 'train' | 'score'
  /** Epochs finished so far, restarts included. */
  readonly epoch?: number
  readonly epochs?: number
  /** Share of the running epoch that is done, 0 … 1. */
  readonly part?: number
  readonly loss?: number
  readonly valLoss?: number
  /** Training samples per second in the running epoch. */
  readonly rate?: number
  /** Seconds that the last finished epoch took. */
  readonly epochSeconds?: number
}

/** How a finished RUN ended; becomes the marker. */
export interface Outcome {
  readonly epochs: number
  readonly reason: 'completed' | 'early stopping'
  /** Names of the files in the RUN directory that the marker vouches for. */
  readonly outputs: readonly string[]
}

/** Thrown by a RUN that was told to stop, after its last finished epoch is durable. No fault of its own. */
export class Stopped extends Error {
  constructor() {
    super('stopped')
    this.name = 'Stopped'
  }
}
