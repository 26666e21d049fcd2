import type { Params } from '../../src/experiment/workflow.js'
import type { TrainingOptions, WarmUp } from '../../src/train/options.js'
import type { Activation, Loss, OptimiserName } from '../../src/train/spec.js'
import { newReader, type Reader } from './params-reader.js'

/** Every hyperparameter with its default: uno_default_model.txt, and what is ours. */
export const DEFAULTS: Params = {
  epochs: 200,
  batch_size: 32,
  generator_batch_size: 1024,
  learning_rate: 1e-5,
  warmup_epochs: 5,
  warmup_type: 'linear',
  reduce_lr_patience: 3,
  reduce_lr_factor: 0.5,
  optimizer: 'Adam',
  loss: 'mse',
  early_stop_metric: 'mse',
  early_stopping_patience: 20,
  regression_activation: 'sigmoid',
  hyperparam_space: 'global',
  dropout: 0.1,
  activation: 'relu',
  seed: 0,
  missing: 'drop',
  ckpt_restart_mode: 'auto',
  ckpt_save_best: true,
  ckpt_save_best_metric: 'val_loss',
  ckpt_skip_epochs: 0,
  ckpt_save_interval: 1,
  ckpt_checksum: true,
  ckpt_keep_limit: 3,
  ckpt_keep_mode: 'linear',
}

/** Known without a default, or accepted because upstream's files have them. */
export const KNOWN: readonly (string | RegExp)[] = [
  'alpha',
  'custom_loss_module',
  'ckpt_metadata',
  'metadata',
  'calc_infer_scores',
  'canc_col_name',
  'drug_col_name',
  'y_col_name',
  'train_debug',
  'train_subset_data',
  'preprocess_subset_data',
  /^(canc|drug|interaction)_(arch|num_layers|activation|dropout)$/,
]

/** A stack of dense layers, before the widths of the data are known. */
export interface Block {
  readonly units: readonly number[]
  readonly activation: Activation
  readonly dropout: number
}

export interface Hyperparameters {
  readonly training: TrainingOptions
  readonly cell: Block
  readonly drug: Block
  readonly interaction: Block
  readonly output: Activation
  /** 0 … 2^32−1 */
  readonly seed: number
  /** Refuse rows without features instead of leaving them out. */
  readonly refuseMissing: boolean
}

const OPTIMISERS = ['Adam', 'SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'Nadam'] as const
const ACTIVATIONS = ['relu', 'tanh', 'sigmoid', 'linear'] as const
const WARM_UPS = ['none', 'constant', 'linear', 'quadratic', 'exponential'] as const

/** Check everything at once. @returns the hyperparameters, or what is wrong, one text each */
export function readHyperparameters(
  params: Params,
): Hyperparameters | { readonly problems: readonly string[] } {
  const r = newReader(params)
  const batchSize = r.integer('batch_size', 1)
  const training: TrainingOptions = {
    epochs: r.integer('epochs', 1),
    batchSize,
    maxRate: r.number('learning_rate', n => n > 0, '> 0') * batchSize,
    optimiser: readOptimiser(r),
    loss: readLoss(r),
    warmUp: r.word<WarmUp>('warmup_type', WARM_UPS),
    warmUpEpochs: r.integer('warmup_epochs', 0),
    patience: r.integer('reduce_lr_patience', 1),
    factor: r.number('reduce_lr_factor', n => n > 0 && n < 1, 'between 0 and 1'),
    stopPatience: r.integer('early_stopping_patience', 1),
    ckpt: {
      restartMode: r.word('ckpt_restart_mode', ['auto', 'off', 'required'] as const),
      saveBest: r.flag('ckpt_save_best'),
      saveBestMetric: r.word('ckpt_save_best_metric', ['val_loss', 'loss'] as const),
      skipEpochs: r.integer('ckpt_skip_epochs', 0),
      saveInterval: r.integer('ckpt_save_interval', 0),
      checksum: r.flag('ckpt_checksum'),
      keepLimit: r.integer('ckpt_keep_limit', 1),
      keepMode: r.word('ckpt_keep_mode', ['linear', 'exponential'] as const),
      metadata: r.optionalText('ckpt_metadata') ?? r.optionalText('metadata'),
    },
  }
  const space = r.word('hyperparam_space', ['global', 'block'] as const)
  const block = (name: string, globalLayers: number): Block =>
    space === 'global'
      ? {
          units: Array<number>(globalLayers).fill(1000),
          activation: r.word('activation', ACTIVATIONS),
          dropout: readDropout(r, 'dropout'),
        }
      : readBlock(r, name, globalLayers)
  const result: Hyperparameters = {
    training,
    cell: block('canc', 3),
    drug: block('drug', 3),
    interaction: block('interaction', 5),
    output: r.word('regression_activation', ['sigmoid', 'linear'] as const),
    seed: readSeed(r),
    refuseMissing: r.word('missing', ['drop', 'error'] as const) === 'error',
  }
  return r.problems.length > 0 ? { problems: [...new Set(r.problems)] } : result
}

/** Layers in a stack; 1000 is beyond any use, and a slip of the pen must not fill the memory. */
const MOST = 1000

function readBlock(r: Reader, name: string, layers: number): Block {
  const arch = r.optional(`${name}_arch`)
  const count = r.optional(`${name}_num_layers`)
  const isList =
    Array.isArray(arch) &&
    arch.length > 0 &&
    arch.every(n => Number.isInteger(n) && (n as number) > 0)
  if (arch !== null && !isList)
    r.wrong(`${name}_arch`, arch, 'a list of layer sizes such as [1000, 1000, 1000]')
  const isCount = Number.isInteger(count) && (count as number) >= 1 && (count as number) <= MOST
  const units = isList ? (arch as number[]) : Array<number>(isCount ? (count as number) : layers)
  if (!isList) units.fill(1000)
  if (count !== null && !isCount)
    r.wrong(`${name}_num_layers`, count, `an integer from 1 to ${MOST}`)
  else if (count !== null && isList && count !== units.length)
    r.wrong(`${name}_num_layers`, count, `${units.length}, as "${name}_arch" has it`)
  const own = (key: string) => (r.optional(`${name}_${key}`) === null ? key : `${name}_${key}`)
  return {
    units,
    activation: r.word(own('activation'), ACTIVATIONS),
    dropout: readDropout(r, own('dropout')),
  }
}

function readDropout(r: Reader, key: string): number {
  return r.number(key, n => n >= 0 && n < 1, 'in [0, 1)')
}

function readOptimiser(r: Reader): OptimiserName {
  const value = r.optional('optimizer')
  const found = OPTIMISERS.find(o => typeof value === 'string' && same(o, value))
  if (found) return found
  if (typeof value === 'string' && same(value, 'Ftrl'))
    r.problems.push('"optimizer" Ftrl is not supported, want one of ' + OPTIMISERS.join(', '))
  else r.wrong('optimizer', value, `one of ${OPTIMISERS.join(', ')}`)
  return 'Adam'
}

function readLoss(r: Reader): Loss {
  const custom = r.optional('custom_loss_module')
  if (custom !== null && custom !== 'mae_poly_loss')
    r.wrong('custom_loss_module', custom, '"mae_poly_loss", the only one that is known')
  const value = custom === null ? r.optional('loss') : 'mae_poly'
  const name = LOSSES.find(([names]) =>
    names.some(n => typeof value === 'string' && same(n, value)),
  )
  if (!name) r.wrong('loss', value, 'one of mse, mae, mae_poly')
  if (name?.[1] !== 'mae_poly') return { type: name?.[1] ?? 'mse' }
  const alpha = r.optional('alpha')
  if (typeof alpha !== 'number' || !Number.isFinite(alpha) || alpha < 0)
    r.wrong('alpha', alpha, 'a number ≥ 0: the loss mae_poly requires it')
  return { type: 'mae_poly', alpha: Number(alpha) }
}

const LOSSES = [
  [['mse', 'mean_squared_error', 'MeanSquaredError'], 'mse'],
  [['mae', 'mean_absolute_error', 'MeanAbsoluteError'], 'mae'],
  [['mae_poly', 'mae_poly_loss'], 'mae_poly'],
] as const

function readSeed(r: Reader): number {
  const seed = r.optional('seed')
  if (typeof seed === 'number' && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed
  r.wrong('seed', seed, 'an integer from 0 to 4294967295: without one no RUN could be repeated')
  return 0
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
