import type { Experiment } from '../experiment/exp.js'

/** What an agent is started with. */
export interface AgentOptions {
  readonly exp: Experiment
  readonly rank: number
  /** URL of the workflow's module, its name and the version of its node-local form. */
  readonly workflow: { readonly url: string; readonly name: string; readonly stageVersion: number }
  /** Wait for a leader of at least this epoch. */
  readonly epoch: number
  readonly lifeline: boolean
  /** Status with which it leaves where no leader comes any more. */
  readonly alone: number
  /** Tile of the first slot; the others follow. */
  readonly tile: number
  /** Executors. */
  readonly slots: number
  /** Of an executor on a tile. */
  readonly environment: (tile: number) => NodeJS.ProcessEnv
  /** Words before the command of an executor on a tile, such as what binds it to its cores or to this process. */
  readonly before?: ((tile: number) => readonly string[]) | undefined
}
