import type { RunId } from '../../src/base/ids.js'
import type { JournalRecord } from '../../src/experiment/journal.js'
import type { PlannedRun } from '../../src/experiment/plan.js'

interface Counted {
  failures: number
  crashes: number
  losses: number
  hasMoreMemory: boolean
  isFailed: boolean
}

/** When a RUN is failed, told once more by engine.md (Fates) and not by src/engine/fates.ts. */
export class Rule {
  private readonly plans: ReadonlyMap<RunId, PlannedRun>
  private readonly crashLimit: number
  private readonly counted = new Map<RunId, Counted>()

  constructor(plans: ReadonlyMap<RunId, PlannedRun>, crashLimit: number) {
    this.plans = plans
    this.crashLimit = crashLimit
  }

  isFailed(run: RunId): boolean {
    return this.counted.get(run)?.isFailed ?? false
  }

  /** @returns what is wrong with the leader's own judgement */
  count(record: JournalRecord & { type: 'ended' }): string | undefined {
    const { run, fate, final } = record
    const counted = this.counted.get(run) ?? {
      ...{ failures: 0, crashes: 0, losses: 0 },
      ...{ hasMoreMemory: false, isFailed: false },
    }
    this.counted.set(run, counted)
    if (counted.isFailed) return 'goes on after it failed for good'
    counted.isFailed = this.isLast(run, fate, counted)
    if (counted.isFailed === final) return undefined
    const { failures, crashes, losses } = counted
    return `${final ? 'failed' : 'given out again'} after ${failures} failures, ${crashes} crashes and ${losses} losses, the last ${fate}`
  }

  private isLast(
    run: RunId,
    fate: (JournalRecord & { type: 'ended' })['fate'],
    counted: Counted,
  ): boolean {
    const { retries, memory } = this.plans.get(run)!
    switch (fate) {
      case 'stopped':
      case 'walltime':
      case 'no-disk':
        return false
      case 'bad-data':
        return true
      case 'failed':
      case 'no-marker':
        return ++counted.failures > retries
      case 'out-of-memory':
        if (memory > 0) {
          const had = counted.hasMoreMemory
          counted.hasMoreMemory = true
          return had
        }
        counted.crashes++
        break
      case 'crashed':
      case 'hung':
        counted.crashes++
        break
      case 'node-lost':
        counted.losses++
    }
    return counted.crashes + Math.max(0, counted.losses - 2) >= this.crashLimit
  }
}
