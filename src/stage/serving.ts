import type { Manifest } from './manifest.js'
import type { Pieces } from './pieces.js'
import type { Store } from './store.js'

/** What a source is started with, and what it tells of those whom it serves. */
export interface SourceOptions {
  readonly manifest: Manifest
  readonly store: Store
  readonly pieces: Pieces
  readonly secret: Buffer
  /** Address to listen on; undefined: all. */
  readonly host?: string | undefined
  /** Ranks that will come, this one not counted; undefined: nobody knows. */
  readonly expected?: number | undefined
  /** Seconds that those who are expected may take. */
  readonly patience: number
  /** Name of this host: other ranks of it have nothing to do. Undefined: all who come are nodes. */
  readonly name?: string | undefined
}

/** What became of a node. */
export interface NodeState {
  readonly id: number
  readonly name: string
  readonly state: 'joined' | 'ready' | 'done' | 'failed' | 'lost'
  readonly message?: string
  /** Since the layout, until it had all. */
  readonly seconds?: number
}

export interface Source {
  readonly port: number
  /** The trees are laid out: it is the time to read. */
  readonly begun: Promise<void>
  /** Nodes so far, the source not among them. */
  nodes(): NodeState[]
  /** Ranks that were expected and have not come. */
  absent(): number
  /** Bytes that went out from here. */
  sent(): number
  /** Share of all chunks of all nodes that are where they should be, 0 to 1. */
  share(): number
  /** Chunks that the first of those fed from here are behind one. */
  lag(chunk: number): number
  /** All who were expected have come: nobody need be told where this is any more. */
  readonly gathered: Promise<void>
  /** All who were expected, or who came in time, have it all, or are gone. */
  readonly finished: Promise<NodeState[]>
  /** Nothing more is served; the nodes are told that it is over. */
  close(): Promise<void>
}
