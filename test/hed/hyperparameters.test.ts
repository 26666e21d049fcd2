import t from 'tap'
import type { Params } from '../../src/experiment/workflow.js'
import { DEFAULTS, FIXED, KNOWN, readHyperparameters } from '../../workflows/hed/hyperparameters.js'

function read(params: Params) {
  const found = readHyperparameters({ ...DEFAULTS, ...params })
  if ('problems' in found) throw new Error(found.problems.join('\n'))
  return found
}

function problems(params: Params): readonly string[] {
  const found = readHyperparameters({ ...DEFAULTS, ...params })
  return 'problems' in found ? found.problems : []
}

t.test('the defaults are those of uno_default_model.txt', t => {
  const { training, cell, drug, interaction, ...rest } = read({})
  const layer = { units: 1000, activation: 'relu', dropout: 0.1 }
  const tower = (depth: number) => Array(depth).fill(layer)
  t.same([cell, drug, interaction], [tower(3), tower(3), tower(5)])
  t.same(rest, {
    ...{ output: 'sigmoid', seed: 0, refuseMissing: false },
    ...{ partition: 'by_drug', subset: false, writePartitions: false },
  })
  t.match(training, {
    epochs: 200,
    batchSize: 32,
    maxRate: 1e-5 * 32,
    optimiser: 'Adam',
    loss: { type: 'mse' },
    warmUp: 'linear',
    warmUpEpochs: 5,
    patience: 3,
    factor: 0.5,
    stopPatience: 20,
  })
  t.same(training.ckpt, {
    restartMode: 'auto',
    saveBest: true,
    saveBestMetric: 'val_loss',
    skipEpochs: 0,
    saveInterval: 1,
    checksum: true,
    keepLimit: 3,
    keepMode: 'linear',
    dropOptimizer: false,
    metadata: null,
  })
  t.end()
})

t.test('everything wrong is told at once, with the value and what is wanted', t => {
  const found = problems({
    batch_size: 0,
    epochs: 1.5,
    learning_rate: '1e-5',
    dropout: 1,
    activation: 'swish',
    warmup_type: 'cosine',
    optimizer: 'Lion',
    loss: 'huber',
    seed: null,
    ckpt_keep_limit: 0,
    ckpt_restart_mode: 'on',
    reduce_lr_factor: 1,
    ckpt_checksum: 'yes',
  })
  t.same([...found].sort(), [
    '"activation" is "swish", want one of relu, tanh, sigmoid, linear',
    '"batch_size" is 0, want an integer ≥ 1',
    '"ckpt_checksum" is "yes", want true or false',
    '"ckpt_keep_limit" is 0, want an integer ≥ 1',
    '"ckpt_restart_mode" is "on", want one of auto, off, required',
    '"dropout" is 1, want a number in [0, 1)',
    '"epochs" is 1.5, want an integer ≥ 1',
    '"learning_rate" is "1e-5", want a number > 0',
    '"loss" is "huber", want one of mse, mae, mae_poly',
    '"optimizer" is "Lion", want one of Adam, SGD, RMSprop, Adagrad, Adadelta, Adamax, Nadam',
    '"reduce_lr_factor" is 1, want a number between 0 and 1',
    '"seed" is null, want an integer from 0 to 4294967295: without one no RUN could be repeated',
    '"warmup_type" is "cosine", want one of none, constant, linear, quadratic, exponential',
  ])
  t.end()
})

t.test('seeds are integers of 32 bits', t => {
  t.equal(read({ seed: 4294967295 }).seed, 4294967295)
  for (const seed of [-1, 4294967296, 0.5, '1', true, null])
    t.match(problems({ seed }), [/^"seed" is/], JSON.stringify(seed))
  t.end()
})

t.test('optimisers and losses are named in any case; Ftrl is named as not supported', t => {
  t.equal(read({ optimizer: 'rmsPROP' }).training.optimiser, 'RMSprop')
  t.same(read({ loss: 'MSE' }).training.loss, { type: 'mse' })
  t.same(read({ loss: 'mean_absolute_error' }).training.loss, { type: 'mae' })
  t.match(problems({ optimizer: 'ftrl' }), [/Ftrl is not supported/])
  t.end()
})

t.test('mae_poly, under either name, requires alpha', t => {
  for (const params of [{ loss: 'mae_poly' }, { custom_loss_module: 'mae_poly_loss' }]) {
    t.same(read({ ...params, alpha: 6 }).training.loss, { type: 'mae_poly', alpha: 6 })
    t.match(problems(params), [/^"alpha" is null, want a number ≥ 0/])
    for (const alpha of ['6', -1, JSON.parse('1e999') as number])
      t.match(problems({ ...params, alpha }), [/^"alpha" is/])
  }
  t.match(problems({ custom_loss_module: 'my_loss' }), [/^"custom_loss_module" is "my_loss"/])
  t.same(read({ custom_loss_module: null }).training.loss, { type: 'mse' })
  t.same(problems({ alpha: 6 }), [], 'alpha without mae_poly is idle')
  t.end()
})

t.test('numbers that overflow are no numbers', t => {
  t.match(problems({ learning_rate: JSON.parse('1e999') as number }), [/^"learning_rate" is/])
  t.match(problems({ batch_size: JSON.parse('1e999') as number }), [/^"batch_size" is/])
  t.end()
})

t.test('in block, a list of sizes is a stack, with its own activation and dropout', t => {
  const found = read({
    hyperparam_space: 'block',
    canc_arch: [64, 32],
    drug_num_layers: 2,
    interaction_arch: [16],
    interaction_num_layers: 1,
    canc_activation: 'tanh',
    drug_dropout: 0.25,
  })
  const layer = (units: number, activation: string, dropout: number) => ({
    units,
    activation,
    dropout,
  })
  t.same(found.cell, [layer(64, 'tanh', 0.1), layer(32, 'tanh', 0.1)])
  t.same(found.drug, [layer(1000, 'relu', 0.25), layer(1000, 'relu', 0.25)])
  t.same(found.interaction, [layer(16, 'relu', 0.1)])
  t.end()
})

t.test('in block, a number of layers that differs from the list is refused', t => {
  const block = (params: Params) => problems({ hyperparam_space: 'block', ...params })
  t.same(block({ drug_arch: [8, 8], drug_num_layers: 3 }), [
    '"drug_num_layers" is 3, want 2, as "drug_arch" has it',
  ])
  for (const canc_num_layers of [0, -1, 1.5, 1e9, '3', [3]])
    t.match(block({ canc_num_layers }), [/^"canc_num_layers" is .*want an integer from 1/])
  for (const canc_arch of [[], [0], [8.5], ['8'], 8, 'wide', {}])
    t.match(block({ canc_arch }), [/^"canc_arch" is .*want a list of layer sizes/])
  t.match(block({ drug_dropout: -0.1, canc_activation: 'x' }), [/canc_activation/, /drug_dropout/])
  t.end()
})

t.test("in layer, each layer has its own size, activation and dropout, or upstream's", t => {
  const layer = (params: Params) => read({ hyperparam_space: 'layer', ...params })
  const shown = ({ cell, drug, interaction }: ReturnType<typeof read>) =>
    [cell, drug, interaction].map(stack =>
      stack.map(l => `${l.units} ${l.activation} ${l.dropout}`).join(', '),
    )
  const plain = '1000 relu 0.1'
  t.same(
    shown(layer({})),
    [3, 3, 5].map(n => Array(n).fill(plain).join(', ')),
  )
  const deep = layer({ canc_num_layers: 9, interaction_num_layers: 9 })
  t.same(
    [deep.cell, deep.interaction].map(stack => stack.map(l => l.units)),
    [
      [1000, 1000, 1000, 512, 256, 128, 64, 32, 16],
      [1000, 1000, 1000, 1000, 1000, 512, 256, 128, 64],
    ],
  )
  t.same(
    shown(
      layer({
        dropout: 0.5,
        canc_num_layers: 2,
        canc_layer_1_size: 64,
        canc_layer_2_activation: 'tanh',
        canc_layer_2_dropout: 0,
        drug_num_layers: 1,
        interaction_num_layers: 1,
        interaction_layer_1_size: 5,
      }),
    ),
    ['64 relu 0.5, 1000 tanh 0', '1000 relu 0.5', '5 relu 0.5'],
  )
  t.end()
})

t.test('in layer, what is wrong with one layer names it', t => {
  t.same(
    [
      ...problems({
        hyperparam_space: 'layer',
        canc_num_layers: 10,
        drug_layer_2_size: 0,
        drug_layer_3_activation: 'swish',
        interaction_layer_5_dropout: 1,
      }),
    ].sort(),
    [
      '"canc_num_layers" is 10, want an integer from 1 to 9',
      '"drug_layer_2_size" is 0, want an integer ≥ 1',
      '"drug_layer_3_activation" is "swish", want one of relu, tanh, sigmoid, linear',
      '"interaction_layer_5_dropout" is 1, want a number in [0, 1)',
    ],
  )
  t.end()
})

t.test('a key of another space, or of a layer that is not there, is refused in one line', t => {
  const other = (space: string, what: string) =>
    `${what}: not used with "hyperparam_space" "${space}", want `
  for (const [hyperparam_space, params, wanted] of [
    ['global', { canc_arch: [8], canc_num_layers: 1 }, '"canc_arch", "canc_num_layers"'],
    ['global', { drug_layer_1_size: 8 }, '"drug_layer_1_size"'],
    ['block', { canc_layer_3_size: 8 }, '"canc_layer_3_size"'],
    ['layer', { interaction_arch: [8] }, '"interaction_arch"'],
    ['layer', { drug_dropout: 0, drug_activation: 'tanh' }, '"drug_dropout", "drug_activation"'],
  ] as const) {
    const found = problems({ hyperparam_space, ...params })
    t.equal(found.length, 1)
    t.ok(found[0]!.startsWith(other(hyperparam_space, wanted)), found.join())
  }
  const layer = (params: Params) => problems({ hyperparam_space: 'layer', ...params })
  t.same(layer({ canc_num_layers: 3, canc_layer_5_size: 7, canc_layer_4_dropout: 0 }), [
    '"canc_layer_5_size", "canc_layer_4_dropout": there is no such layer, "canc_num_layers" is 3',
  ])
  t.match(layer({ drug_layer_4_activation: 'tanh' }), [/no such layer, "drug_num_layers" is 3$/])
  t.same(problems({ canc_arch: null, drug_layer_9_size: null }), [], 'null takes a key back')
  t.end()
})

t.test('what would change results and is not supported is refused, not passed over', t => {
  t.same(problems({ ...FIXED }), [], "upstream's own values are accepted")
  t.same(problems({ y_col_name: 'ic50', preprocess_subset_data: true, raw_max_lr: 1e-5 }), [
    '"y_col_name" is "ic50", want "auc", all that is supported',
    '"preprocess_subset_data" is true, want false, all that is supported',
    '"raw_max_lr" is the old name of "learning_rate": rename it',
  ])
  t.end()
})

t.test('what a block may have is known, and a slip of the pen is not', t => {
  const known = (key: string) =>
    key in DEFAULTS || KNOWN.some(k => (typeof k === 'string' ? k === key : k.test(key)))
  for (const key of [
    'canc_arch',
    'interaction_num_layers',
    'drug_dropout',
    'alpha',
    'drug_layer_9_size',
  ])
    t.ok(known(key), key)
  for (const key of ['cancer_arch', 'drug_size', 'bach_size', 'drug_layer_10_size'])
    t.notOk(known(key), key)
  t.end()
})
