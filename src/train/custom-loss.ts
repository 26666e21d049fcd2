import { pathToFileURL } from 'node:url'
import { HedError, messageOf } from '../base/errors.js'
import type { CustomLoss } from './spec.js'

/** A loss of the user's own, of one row; a batch's is the mean. */
export interface RowLoss {
  /** @param y true value @param p prediction */
  readonly loss: (y: number, p: number) => number
  /** Derivative of `loss` by the prediction. */
  readonly slope: (y: number, p: number) => number
}

type Construct = (params: CustomLoss['params']) => RowLoss

/** By file; an Error where it cannot be loaded. Each thread has its own. */
const modules = new Map<string, Construct | HedError>()
const losses = new Map<string, RowLoss>()

/** Load a module, once; what is wrong with it is told by `rowLoss`. */
export async function importLoss(file: string): Promise<void> {
  if (modules.has(file)) return
  try {
    const module = (await import(pathToFileURL(file).href)) as { readonly construct?: unknown }
    if (typeof module.construct !== 'function') throw new Error('exports no function "construct"')
    modules.set(file, module.construct as Construct)
  } catch (error) {
    const text = messageOf(error).split('\n', 1)[0]!
    modules.set(file, wrong(file, `cannot be loaded: ${text}`, error))
  }
}

/**
 * The functions of a loss whose module was imported, checked by finite differences.
 * @throws HedError USAGE
 */
export function rowLoss({ file, params }: CustomLoss): RowLoss {
  const key = JSON.stringify([file, params])
  const known = losses.get(key)
  if (known) return known
  const construct = modules.get(file)
  if (!construct) throw new Error(`${file} was not imported`)
  if (typeof construct !== 'function') throw construct
  let made: RowLoss
  try {
    made = construct(params)
    check(file, made)
  } catch (error) {
    if (error instanceof HedError) throw error
    throw wrong(file, messageOf(error).split('\n', 1)[0]!, error)
  }
  losses.set(key, made)
  return made
}

/** Beside round numbers, where a loss may have its kinks. */
const POINTS = [0.07, 0.31, 0.58, 0.83]
const STEP = 1e-5
const TOLERANCE = 1e-3

function check(file: string, made: Partial<RowLoss> | undefined): void {
  const { loss, slope } = made ?? {}
  if (typeof loss !== 'function' || typeof slope !== 'function')
    throw wrong(file, 'its construct(params) returns no { loss, slope }, two functions of (y, p)')
  for (const y of POINTS)
    for (const p of POINTS.map(point => point + 0.012)) {
      const said = slope(y, p)
      const found = (loss(y, p + STEP) - loss(y, p - STEP)) / (2 * STEP)
      if (Math.abs(said - found) <= TOLERANCE * Math.max(1, Math.abs(found))) continue
      throw wrong(file, `slope(${y}, ${p}) is ${said}, its loss rises by ${found.toPrecision(4)}`)
    }
}

function wrong(file: string, what: string, cause?: unknown): HedError {
  return new HedError('USAGE', `"custom_loss_module" ${file}: ${what}`, {
    hint: 'docs/hyperparameters.md shows one.',
    cause,
  })
}
