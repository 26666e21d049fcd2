import { firstJoint } from '../graph.js'
import { layers, layout, type Dense } from '../spec.js'
import type { Tables, TrainerOptions } from '../trainer.js'
import { largestBlock } from './blas-blocks.js'
import { newArena } from './kernel.js'

/** A layer and where its arrays lie, as byte offsets; matrices are row-major float32. */
export interface Placed {
  readonly layer: Dense
  /** In `layers(spec)`. */
  readonly place: number
  /** Floats into the flat state. */
  readonly kernel: number
  readonly bias: number
  /** What leaves its dropout, [capacity, ld]. */
  readonly out: number
  /** Slope of the loss by its sum, before activation; [batch, ld]. */
  readonly slope: number
  readonly ld: number
  /** A byte for each unit and row, 0 or −1, [batch, units]; undefined: no dropout. */
  readonly keep: number | undefined
  /** What it stands on, in the order of the rows of its kernel. */
  readonly sources: readonly Source[]
}

export interface Source {
  /** A layer, or the features of a tower that is empty or begins here. */
  readonly below: Placed | 'cell' | 'drug'
  readonly width: number
  /** First row of the kernel that belongs to it. */
  readonly row: number
}

/** All arrays of a trainer in one memory that its threads share: the same for every thread. */
export interface Plan {
  readonly pages: number
  readonly weights: number
  readonly moments: readonly number[]
  /** Floats in weights and in each of the moments. */
  readonly size: number
  readonly cell: Features
  readonly drug: Features
  readonly members: readonly Scratch[]
  /** Rows that `out` holds at a time. */
  readonly capacity: number
  /** ŷ of `PREDICTED_ROWS` rows. */
  readonly predicted: number
  /** Layers that need nothing of each other stand together; from the features to the output. */
  readonly ahead: readonly (readonly Placed[])[]
  /** The same, from the output down. */
  readonly back: readonly (readonly Placed[])[]
  readonly joint: Placed
}

export interface Features {
  /** The layers above, from the features up. */
  readonly tower: readonly Placed[]
  /** [rows, width] */
  readonly table: number
  readonly width: number
  readonly rows: number
  /** Int32s: the table's row for each row of the batch, or of `PREDICTED_ROWS`. */
  readonly codes: number
  /** The batch's features, [batch, ld]. */
  readonly gathered: number
  readonly ld: number
  /** What each row of the table adds to the joint layer, [rows, ld of that layer]; for predictions. */
  readonly part: number
}

/** Of one thread. */
export interface Scratch {
  /** Gradient of a block of a kernel. */
  readonly gradient: number
  /** Gradient of a bias. */
  readonly sums: number
  /** 64 bytes. */
  readonly words: number
}

/** A thread predicts so many rows at a time: fewer make slow products, more leave its cache. */
export const PIECE_ROWS = 256

/** Rows that are predicted in one task. */
export const PREDICTED_ROWS = 64 * PIECE_ROWS

/** @param moments how many */
export function planMemory(options: TrainerOptions, moments: number): Plan {
  const { spec, tables, batchSize, threads } = options
  const { slots, size } = layout(spec)
  const capacity = Math.max(batchSize, threads * PIECE_ROWS)
  const { take, pages } = newArena()
  const floats = (count: number) => take(count * 4)

  const weights = floats(size)
  const momentArrays = Array.from({ length: moments }, () => floats(size))
  const slotOf = (name: string) => slots.find(slot => slot.name === name)!.offset
  const order = layers(spec)
  const placed = (layer: Dense, sources: readonly Source[]): Placed => {
    const ld = rowLength(layer.units)
    return {
      layer,
      place: order.indexOf(layer),
      kernel: slotOf(`${layer.name}/kernel`),
      bias: slotOf(`${layer.name}/bias`),
      out: floats(capacity * ld),
      slope: floats(batchSize * ld),
      ld,
      keep: layer.dropout > 0 ? take(batchSize * layer.units + 64) : undefined,
      sources,
    }
  }
  const stack = (dense: readonly Dense[], first: readonly Source[]): Placed[] => {
    const result: Placed[] = []
    for (const layer of dense) {
      const below = result.at(-1)
      result.push(placed(layer, below ? [{ below, width: below.layer.units, row: 0 }] : first))
    }
    return result
  }
  const widths = { cell: tables.cellFeatures, drug: tables.drugFeatures }
  const tower = (name: 'cell' | 'drug') =>
    stack(spec[name], [{ below: name, width: widths[name], row: 0 }])
  const [cellTower, drugTower] = [tower('cell'), tower('drug')]
  const top = (name: 'cell' | 'drug', last: Placed | undefined, row: number): Source =>
    last ? { below: last, width: last.layer.units, row } : { below: name, width: widths[name], row }
  const left = top('cell', cellTower.at(-1), 0)
  const head = stack(
    [...spec.interaction, spec.output],
    [left, top('drug', drugTower.at(-1), left.width)],
  )
  const features = (name: 'cell' | 'drug'): Features => {
    const width = widths[name]
    const rows = tables[name].length / width
    return {
      tower: name === 'cell' ? cellTower : drugTower,
      table: floats(rows * width),
      width,
      rows,
      codes: take(Math.max(batchSize, PREDICTED_ROWS) * 4),
      gathered: floats(batchSize * rowLength(width)),
      ld: rowLength(width),
      part: floats(rows * rowLength(firstJoint(spec).units)),
    }
  }
  const ahead = [...sideBySide(cellTower, drugTower), ...head.map(layer => [layer])]
  const gradient = largestBlock(ahead.flat(), threads)
  const widest = Math.max(...order.map(({ units }) => units))
  return {
    weights,
    moments: momentArrays,
    size,
    cell: features('cell'),
    drug: features('drug'),
    members: Array.from({ length: threads }, () => ({
      gradient: floats(gradient + 16),
      sums: floats(widest + 16),
      words: take(64),
    })),
    capacity,
    predicted: floats(PREDICTED_ROWS),
    ahead,
    back: [
      ...head.toReversed().map(layer => [layer]),
      ...sideBySide(cellTower.toReversed(), drugTower.toReversed()),
    ],
    joint: head[0]!,
    pages: pages(),
  }
}

/** Copy the tables in. */
export function setTables({ cell, drug }: Plan, memory: WebAssembly.Memory, tables: Tables): void {
  for (const [{ table }, values] of [
    [cell, tables.cell],
    [drug, tables.drug],
  ] as const)
    new Float32Array(memory.buffer, table, values.length).set(values)
}

/** Rows begin on cache lines, and not 4 kB apart: those would share their places in the cache. */
function rowLength(width: number): number {
  const ld = Math.ceil(width / 16) * 16
  return ld % 1024 === 0 ? ld + 16 : ld
}

function sideBySide(left: readonly Placed[], right: readonly Placed[]): Placed[][] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) =>
    [left[i], right[i]].filter(layer => layer !== undefined),
  )
}
