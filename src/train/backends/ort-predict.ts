import { firstJoint, headGraph, towerGraph } from '../graph.js'
import type { Layout } from '../spec.js'
import type { Rows, TrainerOptions } from '../trainer.js'
import { floats, ints, newSession, type Session, type Tensor } from './ort-session.js'

/** Rows of the head at a time: bounds the memory, keeps the products large. */
const CHUNK = 2048

export interface Predictor {
  predict(rows: Rows): Promise<Float32Array>
  release(): Promise<void>
}

/**
 * Prediction without dropout. Towers depend on the cell or the drug alone: each is computed once per
 * cell and per drug of the tables, not once per row.
 */
export async function newPredictor(
  { spec, tables, threads }: TrainerOptions,
  { slots }: Layout,
  weights: Float32Array,
  parameters: ReadonlyMap<string, Tensor>,
): Promise<Predictor> {
  const cellTower = await newSession(towerGraph(spec, 'cell'), { threads })
  const drugTower = await newSession(towerGraph(spec, 'drug'), { threads })
  const head = await newSession(headGraph(spec), { threads })
  const joint = firstJoint(spec)
  const kernel = slots.find(s => s.name === `${joint.name}/kernel`)!
  const cellOut = spec.cell.at(-1)?.units ?? tables.cellFeatures
  // the first rows of the joint kernel meet the cell tower, the rest the drug tower
  const cut = kernel.offset + cellOut * joint.units
  const cellPart = weights.subarray(kernel.offset, cut)
  const drugPart = weights.subarray(cut, kernel.offset + kernel.length)

  const named = (session: Session) =>
    Object.fromEntries(
      session.inputNames.flatMap(name => {
        const tensor = parameters.get(name)
        return tensor ? [[name, tensor] as const] : []
      }),
    )
  const tower = async (
    session: Session,
    table: Float32Array,
    width: number,
    part: Float32Array,
  ): Promise<Tensor> => {
    const { part_out } = await session.run({
      ...named(session),
      features: floats(table, [table.length / width, width]),
      part: floats(part, [part.length / joint.units, joint.units]),
    })
    return part_out!
  }

  return {
    predict: async ({ cell, drug }) => {
      const result = new Float32Array(cell.length)
      if (cell.length === 0) return result
      const cells = await tower(cellTower, tables.cell, tables.cellFeatures, cellPart)
      const drugs = await tower(drugTower, tables.drug, tables.drugFeatures, drugPart)
      const weightsOfHead = named(head)
      for (let at = 0; at < cell.length; at += CHUNK) {
        const end = Math.min(cell.length, at + CHUNK)
        const { prediction } = await head.run({
          ...weightsOfHead,
          cell_part: cells,
          drug_part: drugs,
          cell: ints(cell.slice(at, end)),
          drug: ints(drug.slice(at, end)),
        })
        result.set(prediction!.data as Float32Array, at)
      }
      return result
    },
    release: async () => {
      await Promise.all([cellTower.release(), drugTower.release(), head.release()])
    },
  }
}
