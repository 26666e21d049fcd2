import { HedError } from '../base/errors.js'
import { backend, backendNames } from '../train/backends/registry.js'
import { isFullPrecision } from '../train/backends/self-test.js'
import { askChoice, tryBackend, type Choice, type Trial } from '../train/backends/trial.js'
import { print, printJson } from './print.js'

/**
 * Try the backends that `wanted` may mean, one after the other, and say which one it means.
 *
 * @param wanted `auto` for all, a kind such as `blas`, or a name
 * @throws HedError USAGE if none of them loads; FAILED if the one that is taken fails its self-test
 */
export async function listBackends(wanted: string, threads: number, json: boolean): Promise<void> {
  const names = backendNames.filter(
    name => wanted === 'auto' || name === wanted || name.startsWith(`${wanted}:`),
  )
  if (names.length === 0) await backend(wanted) // throws, with those that exist
  const widths = [Math.max(7, ...names.map(({ length }) => length)), 5, 9, 9]
  const row = (cells: readonly string[]) => {
    // as they come: it takes seconds each
    if (!json) print([cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')])
  }
  row(['backend', 'loads', 'self-test', 'samples/s', 'library'])
  const trials: Trial[] = []
  for (const name of names) {
    trials.push(await tryBackend(name, threads))
    row(cells(trials.at(-1)!))
  }
  const choice = await askChoice(wanted)
  if (json) printJson({ threads, backends: trials, choice })
  const lines = verdict(wanted, choice, trials)
  if (!json) print(lines)
}

function cells({ name, loads, selfTest, samplesPerSecond, library, problem }: Trial): string[] {
  const speed = samplesPerSecond === null ? '-' : samplesPerSecond.toPrecision(3)
  const note = [library, problem].filter(text => text !== null).join(': ')
  return [name, loads ? 'yes' : 'no', selfTest ?? '-', speed.padStart(9), note]
}

/** Another backend is called faster from so many times the speed of the chosen one: less is noise. */
const CLEARLY = 1.15

/**
 * What a choice is worth, in lines for people.
 * @throws HedError USAGE if there is none; FAILED if it fails its self-test
 */
export function verdict(wanted: string, choice: Choice, trials: readonly Trial[]): string[] {
  const sound = trials.filter(({ selfTest }) => selfTest === 'ok')
  const hint = sound[0] ? `Set BACKEND=${sound[0].name}.` : 'Set BACKEND to another one.'
  if ('problem' in choice)
    throw new HedError('USAGE', choice.problem, { hint: choice.hint ?? hint })
  const taken = trials.find(({ name }) => name === choice.name)
  const isAsked = wanted === choice.name
  if (taken?.selfTest !== 'ok')
    throw new HedError(
      'FAILED',
      `${choice.name}${isAsked ? '' : `, which ${wanted} takes,`} fails its self-test: ${taken?.problem ?? 'it was not tried'}`,
      { hint },
    )
  const speed = (trial: Trial) => trial.samplesPerSecond ?? 0
  // one that rounds more is another choice, not a better one
  const alike = sound.filter(({ name }) => isFullPrecision(name) || name === taken.name)
  const fastest = alike.reduce((a, b) => (speed(b) > speed(a) ? b : a))
  return [
    ...(isAsked ? [] : [`${wanted} takes ${choice.why.split('; ')[0]!}`]),
    ...(speed(fastest) > CLEARLY * speed(taken)
      ? [`${fastest.name} was faster here: BACKEND=${fastest.name} takes it`]
      : []),
  ]
}
