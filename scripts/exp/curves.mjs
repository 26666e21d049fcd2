// Training curves of made-up RUNs: most converge, some go on getting better, lie flat, stop early or diverge.
import { normals, uniforms } from './responses.mjs'

/** Epochs without a better val_loss after which a RUN stops. */
export const PATIENCE = 9
/** Seconds of an epoch, more or less. */
const EPOCH = 55
/** Validation losses of a good model, and of one that says the mean. */
const [FLOOR, START] = [0.0042, 0.03]
/** Spread of the responses, for r2. */
const VARIANCE = 0.031

/** What each shape adds to the noise floor; `e` counts from 1. */
const SHAPES = {
  converged: e => Math.exp(-e / 2.1),
  improving: e => Math.exp(-e / 13),
  plateau: e => (e < 9 ? Math.exp(-e / 2.5) : Math.exp(-9 / 2.5) + 0.012),
  diverging: e => Math.exp(-e / 2.2) + (e > 12 ? 0.03 * (e - 12) : 0),
  early: e => Math.exp(-e / 1.2) + (e > 6 ? 0.004 * (e - 6) : 0),
}

/** @returns a shape for each of n RUNs */
export function shapes(n) {
  return Array.from(uniforms('shape', n), u =>
    u < 0.66
      ? 'converged'
      : u < 0.8
        ? 'improving'
        : u < 0.9
          ? 'plateau'
          : u < 0.95
            ? 'diverging'
            : 'early',
  )
}

/** @returns what history.txt holds after at most `epochs`, and whether it stopped before */
export function curve(name, shape, epochs) {
  const noise = normals(`curve ${name}`, 3 * epochs + 2)
  const level = FLOOR * Math.exp(0.08 * noise.at(-1))
  const pace = EPOCH * Math.exp(0.1 * noise.at(-2))
  const history = {
    ...{ loss: [], val_loss: [], r2_train: [], r2_val: [], learning_rate: [], seconds: [] },
  }
  let [best, since, rate] = [Infinity, 0, 3.2e-4]
  for (let e = 1; e <= epochs && since < PATIENCE; e++) {
    const above = (START - level) * SHAPES[shape](e)
    const valLoss = (level + above) * (1 + 0.004 * noise[3 * e - 3])
    const loss =
      (0.86 * level + (START - level) * SHAPES[shape === 'diverging' ? 'converged' : shape](e)) *
      (1 + 0.002 * noise[3 * e - 2])
    since = valLoss < best ? 0 : since + 1
    best = Math.min(best, valLoss)
    if (since > 0 && since % 3 === 0) rate /= 2
    history.loss.push(loss)
    history.val_loss.push(valLoss)
    history.r2_train.push(1 - loss / VARIANCE)
    history.r2_val.push(1 - valLoss / VARIANCE)
    history.learning_rate.push(e <= 5 ? 3.2e-6 + ((3.2e-4 - 3.2e-6) * e) / 5 : rate)
    history.seconds.push(pace * (1 + 0.03 * noise[3 * e - 1]))
  }
  return { history, isEarly: since >= PATIENCE }
}
