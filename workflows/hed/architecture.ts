import type { Activation } from '../../src/train/spec.js'
import type { Reader } from './params-reader.js'

/** Hidden layers of a stack, from its input on, before the widths of the data are known. */
export type Stack = readonly HiddenLayer[]

export interface HiddenLayer {
  readonly units: number
  readonly activation: Activation
  readonly dropout: number
}

/** The stacks as upstream names them. */
export type StackName = 'canc' | 'drug' | 'interaction'

export const SPACES = ['global', 'block', 'layer'] as const
export const ACTIVATIONS = ['relu', 'tanh', 'sigmoid', 'linear'] as const

/** Names in `block` and `layer`. */
export const STACK_KEYS: readonly RegExp[] = [
  /^(canc|drug|interaction)_(arch|num_layers|activation|dropout)$/,
  /^(canc|drug|interaction)_layer_[1-9]_(size|activation|dropout)$/,
]

const COUNT: Readonly<Record<StackName, number>> = { canc: 3, drug: 3, interaction: 5 }
const WIDTH = 1000
/** Upstream's sizes in `layer` where none is given; as many as there may be. */
const TOWER = [1000, 1000, 1000, 512, 256, 128, 64, 32, 16]
const SIZES: Readonly<Record<StackName, readonly number[]>> = {
  canc: TOWER,
  drug: TOWER,
  interaction: [1000, 1000, 1000, 1000, 1000, 512, 256, 128, 64],
}
/** Layers in a block; 1000 is beyond any use, and a slip of the pen must not fill the memory. */
const MOST = 1000

/**
 * The layers of one stack, as `hyperparam_space` has them. Problems go to the reader: also a key of another
 * space or of a layer that is not there, which would suggest a net that is not trained.
 */
export function readStack(r: Reader, space: (typeof SPACES)[number], name: StackName): Stack {
  const own = new RegExp(`^${name}_(${OWN[space].source})$`)
  const foreign = r.given(key => key.startsWith(`${name}_`) && isStackKey(key) && !own.test(key))
  if (foreign.length > 0)
    r.problems.push(
      `${foreign.map(key => `"${key}"`).join(', ')}: not used with "hyperparam_space" "${space}", ` +
        `want ${WORDS[space]}`,
    )
  switch (space) {
    case 'global':
      return Array.from({ length: COUNT[name] }, () => readLayer(r, WIDTH, key => key))
    case 'block':
      return readBlock(r, name)
    case 'layer':
      return readLayers(r, name)
  }
}

/** What may follow the name of a stack in each space. */
const OWN = {
  global: /(?!)/,
  block: /arch|num_layers|activation|dropout/,
  layer: /num_layers|layer_\d_(size|activation|dropout)/,
} as const

const WORDS = {
  global: '"activation" and "dropout" alone, or the space "block" or "layer"',
  block: '"…_arch", "…_num_layers", "…_activation", "…_dropout", or the space "layer"',
  layer: '"…_num_layers" and "…_layer_1_size" and the like, or the space "block"',
} as const

function isStackKey(key: string): boolean {
  return STACK_KEYS.some(pattern => pattern.test(key))
}

function readBlock(r: Reader, name: StackName): Stack {
  const arch = r.optional(`${name}_arch`)
  const count = r.optional(`${name}_num_layers`)
  const isList =
    Array.isArray(arch) &&
    arch.length > 0 &&
    arch.every(n => Number.isInteger(n) && (n as number) > 0)
  if (arch !== null && !isList)
    r.wrong(`${name}_arch`, arch, 'a list of layer sizes such as [1000, 1000, 1000]')
  const layers = readCount(r, name, MOST)
  const units = isList ? (arch as number[]) : Array<number>(layers ?? COUNT[name]).fill(WIDTH)
  if (isList && layers !== undefined && layers !== units.length)
    r.wrong(`${name}_num_layers`, count, `${units.length}, as "${name}_arch" has it`)
  const own = (key: string) => (r.optional(`${name}_${key}`) === null ? key : `${name}_${key}`)
  return units.map(size => readLayer(r, size, own))
}

function readLayers(r: Reader, name: StackName): Stack {
  const sizes = SIZES[name]
  const count = readCount(r, name, sizes.length) ?? COUNT[name]
  const beyond = r.given(key => Number(layerNumber(name).exec(key)?.[1] ?? 0) > count)
  if (beyond.length > 0)
    r.problems.push(
      `${beyond.map(key => `"${key}"`).join(', ')}: there is no such layer, "${name}_num_layers" is ${count}`,
    )
  return sizes.slice(0, count).map((usual, i) => {
    const mine = (key: string) => `${name}_layer_${i + 1}_${key}`
    const given = r.optional(mine('size')) !== null
    const units = given ? r.integer(mine('size'), 1) : usual
    return readLayer(r, units, key => (r.optional(mine(key)) === null ? key : mine(key)))
  })
}

function layerNumber(name: StackName): RegExp {
  return new RegExp(`^${name}_layer_(\\d)_`)
}

/** @returns undefined where it is not given or wrong */
function readCount(r: Reader, name: StackName, most: number): number | undefined {
  const key = `${name}_num_layers`
  const count = r.optional(key)
  if (count === null) return undefined
  if (Number.isInteger(count) && (count as number) >= 1 && (count as number) <= most)
    return count as number
  r.wrong(key, count, `an integer from 1 to ${most}`)
  return undefined
}

/** @param own the key that a setting of this layer has: its own, or else that of all layers */
function readLayer(r: Reader, units: number, own: (key: string) => string): HiddenLayer {
  return {
    units,
    activation: r.word(own('activation'), ACTIVATIONS),
    dropout: r.number(own('dropout'), n => n >= 0 && n < 1, 'in [0, 1)'),
  }
}
