import { setImmediate as turn } from 'node:timers/promises'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const

/** Signals that end a process, held back until there is something to stop in order. */
export interface Signals {
  /** The first one so far. */
  came(): Promise<NodeJS.Signals | undefined>
  /** First signal, also one that came before: stop in order. Second SIGINT: kill. */
  handle(stop: (signal: string) => void, kill: () => void): void
  /** From now on they end the process again. */
  release(): void
}

export function holdSignals(): Signals {
  let first: NodeJS.Signals | undefined
  let onSignal = (signal: NodeJS.Signals) => {
    first ??= signal
  }
  const handler = (signal: NodeJS.Signals) => onSignal(signal)
  for (const signal of SIGNALS) process.on(signal, handler)
  return {
    came: async () => {
      // what came while nothing else could run is told at the next turn of the event loop, after its poll
      await turn()
      await turn()
      return first
    },
    handle: (stop, kill) => {
      let asked = first !== undefined
      onSignal = signal => {
        if (asked && signal === 'SIGINT') kill()
        else if (!asked) stop(signal)
        asked = true
      }
      if (first) stop(first)
    },
    release: () => {
      for (const signal of SIGNALS) process.off(signal, handler)
    },
  }
}
