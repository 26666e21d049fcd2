import type { Updates } from '../optimisers.js'
import type { Tensor, Tf, Variable } from './tfjs-load.js'

/** The formulas of src/train/kernel/optimisers.ts as TensorFlow's operations over the flat state. */
export function newUpdates(tf: Tf): Updates<Variable, Tensor> {
  const set = (v: Variable, value: () => Tensor) => tf.tidy(() => v.assign(value()))
  const descend = (w: Variable, by: () => Tensor) => set(w, () => tf.sub(w, by()))
  /** mean += share · (value − mean) */
  const follow = (mean: Variable, value: () => Tensor, share: number) =>
    set(mean, () => tf.add(mean, tf.mul(tf.sub(value(), mean), share)))
  /** mean = rho · mean + share · value² */
  const average = (mean: Variable, value: Tensor, rho: number, share: number) =>
    set(mean, () => tf.add(tf.mul(mean, rho), tf.mul(tf.square(value), share)))
  const root = (x: Tensor, epsilon: number) => tf.sqrt(tf.add(x, epsilon))
  return {
    sgd: (w, g, _, rate) => descend(w, () => tf.mul(g, rate)),
    adam: (w, m, v, g, _, rate, a, b, epsilon) => {
      follow(m, () => g, a)
      follow(v, () => tf.square(g), b)
      descend(w, () => tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon)))
    },
    rmsprop: (w, v, g, _, rate, rho, a, epsilon) => {
      average(v, g, rho, a)
      descend(w, () => tf.div(tf.mul(g, rate), root(v, epsilon)))
    },
    adagrad: (w, s, g, _, rate, epsilon) => {
      set(s, () => tf.add(s, tf.square(g)))
      descend(w, () => tf.div(tf.mul(g, rate), root(s, epsilon)))
    },
    adadelta: (w, s, d, g, _, rate, rho, a, epsilon) => {
      average(s, g, rho, a)
      const delta = tf.tidy(() => tf.div(tf.mul(root(d, epsilon), g), root(s, epsilon)))
      average(d, delta, rho, a)
      descend(w, () => tf.mul(delta, rate))
      delta.dispose()
    },
    adamax: (w, m, u, g, _, rate, a, b2, epsilon) => {
      follow(m, () => g, a)
      set(u, () => tf.maximum(tf.mul(u, b2), tf.abs(g)))
      descend(w, () => tf.div(tf.mul(m, rate), tf.add(u, epsilon)))
    },
    nadam: (w, m, v, g, _, rate, a, b, ofMean, ofGradient, ofSquare, epsilon) => {
      follow(m, () => g, a)
      follow(v, () => tf.square(g), b)
      descend(w, () => {
        const mean = tf.add(tf.mul(m, ofMean), tf.mul(g, ofGradient))
        return tf.div(tf.mul(mean, rate), tf.add(tf.sqrt(tf.mul(v, ofSquare)), epsilon))
      })
    },
  }
}
