import t from 'tap'
import type { Params } from '../../src/experiment/workflow.js'
import { layers, layout } from '../../src/train/spec.js'
import { DEFAULTS, readHyperparameters } from '../../workflows/hed/hyperparameters.js'
import { unoSpec } from '../../workflows/hed/uno.js'

function spec(params: Params, cellWidth: number, drugWidth: number) {
  const found = readHyperparameters({ ...DEFAULTS, ...params })
  if ('problems' in found) throw new Error(found.problems.join('\n'))
  return unoSpec(found, cellWidth, drugWidth)
}

t.test('the default Uno has towers of 3 × 1000, 5 × 1000 above them, and one output', t => {
  const uno = spec({}, 958, 1613)
  t.same(
    layers(uno).map(l => `${l.name} ${l.inputs}-${l.units} ${l.activation} ${l.dropout}`),
    [
      'cell_dense_1 958-1000 relu 0.1',
      'drug_dense_1 1613-1000 relu 0.1',
      'cell_dense_2 1000-1000 relu 0.1',
      'drug_dense_2 1000-1000 relu 0.1',
      'cell_dense_3 1000-1000 relu 0.1',
      'drug_dense_3 1000-1000 relu 0.1',
      'interaction_dense_1 2000-1000 relu 0.1',
      'interaction_dense_2 1000-1000 relu 0.1',
      'interaction_dense_3 1000-1000 relu 0.1',
      'interaction_dense_4 1000-1000 relu 0.1',
      'interaction_dense_5 1000-1000 relu 0.1',
      'auc 1000-1 sigmoid 0',
    ],
  )
  t.equal(layout(uno).weights, 12_583_001)
  t.end()
})

t.test('blocks of unequal depth and width fit together', t => {
  const block = { hyperparam_space: 'block', canc_arch: [7], drug_arch: [5, 4, 3] }
  const uno = spec({ ...block, interaction_arch: [2], regression_activation: 'linear' }, 11, 13)
  t.same(
    layers(uno).map(l => [l.name, l.inputs, l.units]),
    [
      ['cell_dense_1', 11, 7],
      ['drug_dense_1', 13, 5],
      ['drug_dense_2', 5, 4],
      ['drug_dense_3', 4, 3],
      ['interaction_dense_1', 10, 2],
      ['auc', 2, 1],
    ],
  )
  t.equal(uno.output.activation, 'linear')
  t.end()
})
