import { firstJoint, headGraph, towerGraph } from '../graph.js'
import type { Layout } from '../spec.js'
import type { Rows, TrainerOptions } from '../trainer.js'
import { floats, ints, newSession, tableTensor, type Session, type Tensor } from './ort-session.js'

/** Rows at a time. Smaller: slower products; larger: 8 kB more memory a row and layer. */
const CHUNK = 2048

/**
 * Prediction without dropout. A tower depends on the cell or the drug alone, and so does its product
 * with its part of the first joint layer: both are computed once per cell and per drug of the tables,
 * a row adds two of them. Only the layers behind are computed per row.
 *
 * @param weights flat; the kernel of the joint layer is read from it at every call
 * @param feeds a tensor for each weight, by name; others are ignored
 */
export async function newPredictor(
  { spec, tables, threads }: TrainerOptions,
  { slots }: Layout,
  weights: Float32Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<(rows: Rows) => Promise<Float32Array>> {
  const [cellTower, drugTower, head] = await Promise.all(
    [towerGraph(spec, 'cell', tables), towerGraph(spec, 'drug', tables), headGraph(spec)].map(
      graph => newSession(graph, threads),
    ),
  )
  const joint = firstJoint(spec)
  const kernel = slots.find(slot => slot.name === `${joint.name}/kernel`)!
  const cut = kernel.offset + (spec.cell.at(-1)?.units ?? tables.cellFeatures) * joint.units
  const cellPart = weights.subarray(kernel.offset, cut)
  const drugPart = weights.subarray(cut, kernel.offset + kernel.length)

  return async ({ cell, drug }) => {
    const result = new Float32Array(cell.length)
    const { units } = joint
    const cells = await tower(cellTower!, feeds, tables.cell, tables.cellFeatures, cellPart, units)
    const drugs = await tower(drugTower!, feeds, tables.drug, tables.drugFeatures, drugPart, units)
    const constant = { ...known(head!, feeds), cell_part: cells, drug_part: drugs }
    for (let from = 0; from < cell.length; from += CHUNK) {
      const to = Math.min(cell.length, from + CHUNK)
      const out = floats(result.subarray(from, to), [to - from, 1])
      const batch = { cell: ints(cell.subarray(from, to)), drug: ints(drug.subarray(from, to)) }
      await head!.run({ ...constant, ...batch }, { prediction: out })
    }
    return result
  }
}

/** Every row of a table through its tower and its part of the joint layer: [rows, units]. */
async function tower(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  table: Float32Array,
  width: number,
  part: Float32Array,
  units: number,
): Promise<Tensor> {
  const rows = table.length / width
  const result = new Float32Array(rows * units)
  const constant = {
    ...known(session, feeds),
    part: floats(part, [part.length / units, units]),
  }
  for (let from = 0; from < rows; from += CHUNK) {
    const to = Math.min(rows, from + CHUNK)
    const features = tableTensor(table.subarray(from * width, to * width), width)
    const out = floats(result.subarray(from * units, to * units), [to - from, units])
    await session.run({ ...constant, features }, { part_out: out })
  }
  return tableTensor(result, units)
}

/** Those feeds that the session has inputs for. */
function known(session: Session, feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const names = session.inputNames.filter(name => name in feeds)
  return Object.fromEntries(names.map(name => [name, feeds[name]!]))
}
