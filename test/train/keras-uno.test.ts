import t from 'tap'
import { kerasModel } from '../../src/train/keras-model.js'
import { unoOf } from '../../src/train/keras-uno.js'
import { dense } from './reference-net.js'
import { tinySpec } from './tiny.js'

type Layers = { name: string; class_name: string; config: Record<string, unknown> }[]

/** The config of the tiny Uno after a change. */
function changed(change: (layers: Layers) => void): unknown {
  const config = structuredClone(kerasModel(tinySpec(), [5, 9]).config) as {
    config: { layers: Layers }
  }
  change(config.config.layers)
  return config
}

const layer = (layers: Layers, name: string) => layers.find(l => l.name === name)!

t.test('a spec comes back from its model_config, whatever towers it has', t => {
  const output = dense('auc', 14, 1, 'linear')
  const bare = { cell: [], drug: [], interaction: [], output }
  t.strictSame(unoOf(kerasModel(bare, [5, 9]).config), { spec: bare, widths: [5, 9] })
  for (const activation of ['relu', 'tanh', 'sigmoid', 'linear'] as const) {
    const spec = tinySpec(activation)
    const { spec: back, widths } = unoOf(kerasModel(spec, [5, 9]).config)
    t.strictSame(widths, [5, 9])
    t.strictSame(back, spec)
  }
  t.end()
})

t.test('what computes something else is refused, naming the layer', t => {
  const cases: readonly [string, unknown, RegExp][] = [
    ['no model', null, /no layers/],
    ['no layers', { config: {} }, /no layers/],
    ['another input', changed(l => (layer(l, 'cell').name = 'rna')), /no input "cell"/],
    ['no output', changed(l => (layer(l, 'auc').name = 'ic50')), /no layer "auc"/],
    [
      'an activation that ours has not',
      changed(l => (layer(l, 'drug_dense_1').config['activation'] = 'swish')),
      /"drug_dense_1" has activation "swish"/,
    ],
    [
      'no bias',
      changed(l => (layer(l, 'interaction_dense_1').config['use_bias'] = false)),
      /"interaction_dense_1" is another one/,
    ],
    [
      'a layer more',
      changed(l => l.push({ ...layer(l, 'auc'), name: 'ic50' })),
      /"ic50" is another one/,
    ],
    [
      'a layer less',
      changed(l => l.splice(l.indexOf(layer(l, 'cell_dropout_2')), 1)),
      /13 layers, want 14/,
    ],
    [
      'towers the other way round',
      JSON.parse(
        JSON.stringify(kerasModel(tinySpec(), [5, 9]).config).replace(
          /"keras_history":\["cell_dropout_2",0,0\]/g,
          '"keras_history":["cell_dropout_1",0,0]',
        ),
      ),
      /"concat" is another one/,
    ],
  ]
  for (const [what, config, message] of cases) t.throws(() => unoOf(config), { message }, what)
  t.end()
})

t.test(
  'layers lie as Keras sorts them, by distance from the output, which is how it finds weights',
  t => {
    const names = (spec = tinySpec()) => kerasModel(spec, [5, 9]).layerNames.join(' ')
    const rest =
      'concat interaction_dense_1 interaction_dropout_1 interaction_dense_2 interaction_dropout_2 auc'
    t.equal(
      names(),
      'cell cell_dense_1 cell_dropout_1 drug cell_dense_2 drug_dense_1 cell_dropout_2 drug_dropout_1 ' +
        rest,
      'a shallow tower begins late',
    )
    const { cell, drug, ...head } = tinySpec()
    t.equal(
      names({ ...head, cell: cell.slice(0, 1), drug }),
      'cell drug cell_dense_1 drug_dense_1 cell_dropout_1 drug_dropout_1 ' + rest,
    )
    t.end()
  },
)
