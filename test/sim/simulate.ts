import { Violation } from './checks.js'
import { drawScenario, type Scenario } from './scenario.js'
import { World, type WorldOptions } from './world.js'

export interface Outcome {
  readonly seed: number
  /** Equal for two replays. */
  readonly hash: number
  readonly events: number
  /** Virtual seconds. */
  readonly seconds: number
  readonly leaders: number
  readonly finished: number
  readonly failed: number
}

/** Lines of the trace that a failure shows. */
const SHOWN = 60

/**
 * Play one seed.
 * @param change of the scenario, for a test that wants a certain world
 * @throws Error naming the seed and what happened to the RUN concerned
 */
export function simulate(
  seed: number,
  options: Omit<WorldOptions, 'trace'> = {},
  change: (scenario: Scenario) => Scenario = s => s,
): Outcome {
  const scenario = change(drawScenario(seed))
  const world = new World(seed, scenario, options)
  try {
    world.run()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    const lines = traceOf(seed, options, change)
    const { run } = error
    const name = new RegExp(`\\b${run}\\b|FAULT|leader \\d+ (starts|is gone)`)
    const shown = once(run === undefined ? lines : lines.filter(line => name.test(line)))
    throw new Error(
      `seed ${seed}: ${error.message}\n${shown.slice(-SHOWN).join('\n')}\n` +
        `replay: node scripts/simulate.mjs --seed ${seed} --trace`,
      { cause: error },
    )
  }
  const { clock, lastEpoch: leaders } = world
  const { finished, failed } = world.leaders.get(leaders)!.leader.counts
  return {
    ...{ seed, hash: clock.hash, events: clock.count, seconds: clock.now },
    ...{ leaders, finished, failed },
  }
}

/** Without what is only said again, such as an order or an answer at each beat. */
function once(lines: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return lines.filter(line => {
    const text = line.slice(line.indexOf(' '))
    return !seen.has(text) && seen.add(text)
  })
}

/** All that happens in a seed, whether it ends well or not. */
export function traceOf(
  seed: number,
  options: Omit<WorldOptions, 'trace'> = {},
  change: (scenario: Scenario) => Scenario = s => s,
): readonly string[] {
  const trace: string[] = []
  const world = new World(seed, change(drawScenario(seed)), { ...options, trace })
  try {
    world.run()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    trace.push(`${world.clock.now.toFixed(4)} VIOLATION ${error.message}`)
  }
  return trace
}
