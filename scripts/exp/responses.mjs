// Responses of a made-up study: what an `auc` is made of, and what a model that never saw the drug would say.
import { randomFloats, randomKey, STREAM } from '../../dist/src/base/random.js'

/** Uniform in [0, 1). @param what names the draw */
export function uniforms(what, length) {
  return randomFloats(randomKey(0, `make-exp ${what}`), STREAM.demo, 0, 0, length)
}

/** Standard normal, by Box and Muller. */
export function normals(what, length) {
  const [a, b] = [uniforms(`${what} a`, length), uniforms(`${what} b`, length)]
  return Float64Array.from(
    a,
    (u, i) => Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * b[i]),
  )
}

/** Share of the drugs whose error lies far out, as in the real study. */
const TAIL = 0.05

/**
 * @param drugs how many @param cells how many @param rows responses of each drug: pairs of it and a cell, some again
 * @returns names; for each row its cell, drug and true AUC, which differs a little when a pair is measured again; for each pair,
 *   drug × cells + cell, what can be known of it and what a model that never saw the drug says: the same however often it is asked
 */
export function makeResponses({ drugs, cells, rows }) {
  const n = drugs * rows
  const cellNames = Array.from({ length: cells }, (_, c) => `ACH-${String(c + 1).padStart(6, '0')}`)
  const drugNames = Array.from({ length: drugs }, (_, d) => `Drug_${d + 1}`)
  const [cellEffect, drugEffect] = [normals('cell', cells), normals('drug', drugs)]
  const [spread, bias, tail] = [
    normals('spread', drugs),
    normals('bias', drugs),
    uniforms('tail', drugs),
  ]
  // a cell that is hard for the model is hard with each drug
  const hardness = normals('hard', cells)
  const [pairNoise, error] = [normals('pair', drugs * cells), normals('error', drugs * cells)]
  const [replicate, which] = [normals('replicate', n), uniforms('which', n)]
  const cellOf = new Int32Array(n)
  const drugOf = new Int32Array(n)
  const aucTrue = new Float64Array(n)
  const known = new Float32Array(drugs * cells)
  const predicted = new Float32Array(drugs * cells)
  for (let d = 0; d < drugs; d++) {
    const sigma = 0.035 * Math.exp(0.45 * spread[d]) * (tail[d] < TAIL ? 2.5 + 20 * tail[d] : 1)
    const shift = 0.6 * sigma * bias[d]
    const fit = c =>
      1.3 + 0.35 * cellEffect[c] + 0.9 * drugEffect[d] + 0.5 * pairNoise[d * cells + c]
    for (let c = 0; c < cells; c++) {
      const pair = d * cells + c
      const wide = sigma * Math.exp(0.25 * hardness[c])
      known[pair] = 1 / (1 + Math.exp(-fit(c)))
      predicted[pair] = within(known[pair] + shift + wide * error[pair])
    }
    for (let r = 0; r < rows; r++) {
      const i = d * rows + r
      const c = r < cells ? r : Math.floor(which[i] * cells)
      cellOf[i] = c
      drugOf[i] = d
      aucTrue[i] = Math.round(1e4 / (1 + Math.exp(-(fit(c) + 0.15 * replicate[i])))) / 1e4
    }
  }
  return { cellNames, drugNames, cellOf, drugOf, aucTrue, known, predicted }
}

function within(value) {
  return Math.min(0.999, Math.max(0.001, value))
}

/**
 * The model of a RUN. Of a drug that it was trained on it knows more, and each says something else of it; of the held-out
 * drug those of another seed do.
 * @returns what it says of drug and cell, by number; `which`: test or val
 */
export function modelOf({ cellNames, known, predicted }, run, seed) {
  const own = normals(`model ${run}`, cellNames.length)
  return (which, drug, cell) => {
    const pair = drug * cellNames.length + cell
    const [share, wide] = which === 'test' ? [1, seed === 0 ? 0 : 0.01] : [0.6, 0.004]
    return within(known[pair] + share * (predicted[pair] - known[pair]) + wide * own[cell])
  }
}
