import { firstJoint } from '../graph.js'
import { layout } from '../spec.js'
import type { Rows, TrainerOptions } from '../trainer.js'
import type { Tensor2D, Tf, Variable } from './tfjs-load.js'
import { activate, jointPart, through, weightsOf } from './tfjs-net.js'

/** Rows at a time: bounds the memory that a layer's outputs take. */
const CHUNK = 2048

/**
 * Prediction without dropout. A tower depends on the cell or the drug alone: it is computed once per row of
 * its table, up to its part of the first joint layer; a row of the response adds two of them.
 */
export async function predictRows(
  tf: Tf,
  { spec }: Pick<TrainerOptions, 'spec'>,
  tables: Readonly<Record<'cell' | 'drug', Tensor2D>>,
  flat: Variable,
  rows: Rows,
): Promise<Float32Array> {
  const plan = layout(spec)
  const tower = (name: 'cell' | 'drug'): Tensor2D =>
    tf.tidy(() => {
      const weights = weightsOf(tf, plan, flat)
      const table = tables[name]
      const [count, width] = table.shape
      const part = jointPart(tf, spec, weights, name, spec[name].at(-1)?.units ?? width)
      const chunks: Tensor2D[] = []
      for (let from = 0; from < count; from += CHUNK)
        chunks.push(
          tf.tidy(() => {
            const features = tf.slice(table, [from, 0], [Math.min(CHUNK, count - from), width])
            return tf.matMul(through(tf, spec[name], weights, features), part)
          }),
        )
      return tf.concat(chunks)
    })
  const head = (cells: Tensor2D, drugs: Tensor2D, { cell, drug }: Rows): Tensor2D =>
    tf.tidy(() => {
      const weights = weightsOf(tf, plan, flat)
      const joint = firstJoint(spec)
      const of = (table: Tensor2D, codes: Int32Array) =>
        tf.gather(table, tf.tensor1d(codes, 'int32'))
      const sum = tf.add<Tensor2D>(tf.add(of(cells, cell), of(drugs, drug)), weights(joint).bias)
      const x = activate(tf, joint.activation, sum)
      const rest = [...spec.interaction.slice(1), spec.output]
      return spec.interaction.length === 0 ? x : through(tf, rest, weights, x)
    })

  const result = new Float32Array(rows.cell.length)
  const cells = tower('cell')
  const drugs = tower('drug')
  try {
    for (let from = 0; from < result.length; from += CHUNK) {
      const part = {
        cell: rows.cell.slice(from, from + CHUNK),
        drug: rows.drug.slice(from, from + CHUNK),
      }
      const predicted = head(cells, drugs, part)
      result.set(await predicted.data(), from)
      predicted.dispose()
    }
  } finally {
    tf.dispose([cells, drugs])
  }
  return result
}
