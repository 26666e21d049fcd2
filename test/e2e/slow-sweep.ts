import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import type { RawSettings } from '../../src/sites/builtin.js'
import { makeExp } from './ranks.js'

/** Sweeps of the slow workflow, for tests that disturb them. */
export const SLOW = resolve('dist/test/e2e/slow-workflow.js')

/** A beat every half second, suspect after two, lost after four: no test waits for the real 120 s. */
export const LEASE = '0.5,2,4'

/**
 * Held, and not over at once in its next attempt: where all ranks of a job are told to stop, an agent may have given its RUN
 * back and another have begun it before the leader hears.
 */
export const HELD_LONG = { id: 'R1', hold: 'mid-epoch', epochSeconds: 1 }

/** What `t.testdir` takes for the command line: `upf-heds local upf.txt dflts.json --data-source data`. */
export function slowFiles(lines: readonly object[], dflts: object = {}) {
  return {
    'upf.txt': lines.map(line => JSON.stringify(line)).join('\n'),
    'dflts.json': JSON.stringify({ workflow: SLOW, epochs: 3, epochSeconds: 0.01, ...dflts }),
    data: {},
  }
}

/** An EXP whose ranks are started one by one (ranks.ts). @returns its path */
export function slowExp(
  folder: string,
  lines: readonly object[],
  settings: RawSettings = {},
): Promise<string> {
  return makeExp(
    folder,
    lines,
    { workflow: SLOW, epochs: 3, epochSeconds: 0.01 },
    { LEASE, PROCS: '3', ...settings },
  )
}

/** The RUN has come to its `hold`. */
export async function isHeld(exp: string, run: string): Promise<void> {
  await until(() => fs.existsSync(join(exp, 'run', run, 'held')))
}

/** It may go on. */
export function letGo(exp: string, run: string): void {
  fs.writeFileSync(join(exp, 'run', run, 'go'), '')
}

export function hasMarker(exp: string, run: string): boolean {
  return fs.existsSync(join(exp, 'run', run, 'stop.marker'))
}

/** Resolves when it is so; the runner's own limit ends a test that waits in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(done => setTimeout(done, 20))
}

export function pause(seconds: number): Promise<void> {
  return new Promise(done => setTimeout(done, seconds * 1000))
}

/** Everything that a rank has logged. */
export function log(exp: string, rank: number): string {
  const path = join(exp, `out/out-00${rank}.txt`)
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : ''
}

export function status(exp: string): Record<string, unknown> {
  return JSON.parse(fs.readFileSync(join(exp, 'status.json'), 'utf8')) as Record<string, unknown>
}
