import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { SSH, startHosts, type Hosts } from '../hosts/hosts.js'
import { LEASE } from './slow-sweep.js'
import { start, upfHeds, type Ended, type Started } from './sweep.js'

/** A lab's own cluster: simulated hosts without a scheduler, an MPI launcher, and a node to log in to. */
export interface Lab {
  readonly hosts: Hosts
  readonly cwd: string
  readonly call: (...args: string[]) => Ended
  readonly start: (...args: string[]) => Started
}

export type MpiLauncher = 'hydra' | 'openmpi'
export const MPI_LAUNCHERS: readonly MpiLauncher[] = ['hydra', 'openmpi']

const FLAGS: Readonly<Record<MpiLauncher, readonly string[]>> = {
  hydra: ['-launcher', 'ssh', '-launcher-exec', SSH],
  openmpi: ['--allow-run-as-root', '--mca', 'plm_rsh_agent', SSH],
}

/** A site file: six ranks on three hosts. */
export function siteOf(name: MpiLauncher, more: object): object {
  return {
    ...{ extends: 'local', LAUNCHER: name, HOSTS: ['h1', 'h2', 'h3'], PROCS: 6, PPN: 2 },
    ...{ LAUNCHER_FLAGS: FLAGS[name], THREADS: 1, ...more },
  }
}

/**
 * Three hosts, a node to log in to, and a site file a launcher: `hydra.json`, `openmpi.json`. Six ranks, two a host.
 * @param files of the test, beside the site files
 * @returns undefined where this machine cannot have it: the test says so and is left out
 */
export async function startLab(
  t: Test,
  files: Parameters<Test['testdir']>[0],
  more: object = {},
): Promise<Lab | undefined> {
  const cwd = t.testdir(files)
  const absent = MPI_LAUNCHERS.map(name => `mpiexec.${name}`).filter(
    program => spawnSync('which', [program]).status !== 0,
  )
  const hosts = await startHosts(4, [process.cwd()])
  t.teardown(() => hosts.down())
  const missing = hosts.missing ?? (absent.length > 0 ? `no ${absent.join(', ')}` : undefined)
  if (missing !== undefined) {
    t.pass('left out', { skip: `no simulated hosts with MPI launchers here: ${missing}` })
    return undefined
  }
  for (const name of MPI_LAUNCHERS)
    fs.writeFileSync(join(cwd, `${name}.json`), JSON.stringify(siteOf(name, { LEASE, ...more })))
  const login = hosts.login('h4')
  return {
    ...{ hosts, cwd },
    call: (...args) => upfHeds(args, cwd, hosts.env, login),
    start: (...args) => start(args, cwd, hosts.env, login),
  }
}

/** Host and rank that a RUN is on. */
export function placeOf(exp: string, run: string): { host: string; rank: number } {
  const text = fs.readFileSync(join(exp, 'run', run, 'rank.txt'), 'utf8')
  const [, host] = /^host = (\S+)$/m.exec(text)!
  return { host: host!, rank: Number(/^rank = (\d+)$/m.exec(text)![1]) }
}
