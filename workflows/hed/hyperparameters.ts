import type { Params } from '../../src/experiment/workflow.js'
import type { TrainingOptions, WarmUp } from '../../src/train/options.js'
import type { Activation, Loss, OptimiserName } from '../../src/train/spec.js'
import { readStack, SPACES, STACK_KEYS, type Stack } from './architecture.js'
import { lossFile } from './loss-module.js'
import { PARTITIONS, type PartitionName } from './held-out.js'
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
  partition: 'by_drug',
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

/** Accepted, and without effect on any result, here or upstream. */
export const IDLE: readonly string[] = [
  'generator_batch_size',
  'early_stop_metric',
  'calc_infer_scores',
  'train_debug',
  'preprocess_debug',
  'require_json',
]

/** Accepted with this value alone: another would change the results, and is not supported. */
export const FIXED: Params = {
  canc_col_name: 'improve_sample_id',
  drug_col_name: 'improve_chem_id',
  y_col_name: 'auc',
  preprocess_subset_data: false,
  ckpt_save_weights_only: false,
}

/** Known without a default. */
export const KNOWN: readonly (string | RegExp)[] = [
  'alpha',
  'custom_loss_module',
  'ckpt_drop_optimizer',
  'ckpt_metadata',
  'metadata',
  'raw_max_lr',
  'train_subset_data',
  'write_partitions',
  ...IDLE,
  ...Object.keys(FIXED),
  ...STACK_KEYS,
]

export interface Hyperparameters {
  readonly training: TrainingOptions
  readonly cell: Stack
  readonly drug: Stack
  readonly interaction: Stack
  readonly output: Activation
  /** 0 … 2^32−1 */
  readonly seed: number
  readonly partition: PartitionName
  /** Train and validate on a sample alone. */
  readonly subset: boolean
  /** Leave train and val as Parquet files too, as long as the RUN lasts. */
  readonly writePartitions: boolean
  /** Refuse rows without features instead of leaving them out. */
  readonly refuseMissing: boolean
}

const OPTIMISERS = ['Adam', 'SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'Nadam'] as const
const WARM_UPS = ['none', 'constant', 'linear', 'quadratic', 'exponential'] as const

/** Check everything at once. @returns the hyperparameters, or what is wrong, one text each */
export function readHyperparameters(
  params: Params,
): Hyperparameters | { readonly problems: readonly string[] } {
  // an EXP of an earlier version has recorded fewer defaults
  const r = newReader({ ...DEFAULTS, ...params })
  const batchSize = r.integer('batch_size', 1)
  const training: TrainingOptions = {
    epochs: r.integer('epochs', 1),
    batchSize,
    maxRate: r.number('learning_rate', n => n > 0, '> 0') * batchSize,
    optimiser: readOptimiser(r),
    loss: readLoss(r, params),
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
      keepMode: r.word('ckpt_keep_mode', ['linear', 'exponential', 'all'] as const),
      dropOptimizer: r.optionalFlag('ckpt_drop_optimizer'),
      metadata: r.optionalText('ckpt_metadata') ?? r.optionalText('metadata'),
    },
  }
  for (const [key, only] of Object.entries(FIXED)) {
    const value = r.optional(key)
    if (value !== null && value !== only)
      r.wrong(key, value, `${JSON.stringify(only)}, all that is supported`)
  }
  if (r.optional('raw_max_lr') !== null)
    r.problems.push('"raw_max_lr" is the old name of "learning_rate": rename it')
  const space = r.word('hyperparam_space', SPACES)
  const result: Hyperparameters = {
    training,
    cell: readStack(r, space, 'canc'),
    drug: readStack(r, space, 'drug'),
    interaction: readStack(r, space, 'interaction'),
    output: r.word('regression_activation', ['sigmoid', 'linear'] as const),
    seed: readSeed(r),
    partition: r.word('partition', PARTITIONS),
    subset: r.optionalFlag('train_subset_data'),
    writePartitions: r.optionalFlag('write_partitions'),
    refuseMissing: r.word('missing', ['drop', 'error'] as const) === 'error',
  }
  return r.problems.length > 0 ? { problems: [...new Set(r.problems)] } : result
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

function readLoss(r: Reader, params: Params): Loss {
  const custom = r.optional('custom_loss_module')
  const file = lossFile(custom)
  if (file !== undefined) return { type: 'custom', file, params }
  if (custom !== null && custom !== 'mae_poly_loss')
    r.wrong(
      'custom_loss_module',
      custom,
      '"mae_poly_loss", or the path of a module: "./my-loss.js"',
    )
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
