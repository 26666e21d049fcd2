import t from 'tap'
import { upfHeds } from './sweep.js'

/** A folder with demo data, a UPF of three drugs and a DFLTS of a tiny net. */
export function bench(epochs = 5): string {
  const cwd = t.testdir({
    'upf.txt': [0, 7, 11]
      .map(i => `{"id": "RUN${String(i).padStart(3, '0')}", "index": ${i}}\n`)
      .join(''),
    'dflts.json': dflts(epochs),
  })
  upfHeds(['data', 'demo', 'data'], cwd)
  return cwd
}

export const dflts = (epochs: number, rest: object = {}): string =>
  JSON.stringify({
    epochs,
    batch_size: 32,
    learning_rate: 3e-5,
    warmup_epochs: 1,
    hyperparam_space: 'block',
    canc_arch: [32, 32],
    drug_arch: [32, 32],
    interaction_arch: [32, 32],
    ...rest,
  })

/** Arguments that run it. */
export const sweep = (...more: string[]): string[] => [
  ...['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1'],
  ...more,
]
