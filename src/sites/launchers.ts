import { HedError } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { LAUNCHERS, type LauncherName, type Settings } from '../experiment/exp.js'

/** One call of a launcher. */
export interface Call {
  /** The host of its ranks; undefined where the launcher shares them out. */
  readonly host: string | undefined
  readonly argv: readonly [string, ...string[]]
}

/** How the ranks of a job lie on its nodes. */
export interface Shape {
  readonly nodes: number
  /** Processes that the launcher starts, and those of a node. */
  readonly processes: number
  readonly perNode: number
  /** Cores of each. */
  readonly cores: number
}

/**
 * PPN ranks on each node, the leader being one of them. With `--ranks node` the launcher starts one process
 * a node; that of the first starts the leader beside its agent.
 */
export function shapeOf({ PROCS, PPN, RANKS, THREADS }: Settings): Shape {
  const nodes = Math.ceil(PROCS / PPN)
  const ppn = Math.min(PPN, PROCS)
  return RANKS === 'node'
    ? { nodes, processes: nodes, perNode: 1, cores: ppn * THREADS }
    : { nodes, processes: PROCS, perNode: ppn, cores: THREADS }
}

interface Launcher {
  /**
   * It ends all ranks when a host is lost, so each host has a call of its own: measured with Hydra 4.0 and
   * Open MPI 4.1, whatever their options.
   */
  readonly perHost: boolean
  readonly program: string
  /**
   * @param hosts of the ranks; none: those of the allocation
   * @param seen variables that the ranks shall have
   */
  readonly words: (
    shape: Shape,
    settings: Settings,
    hosts: readonly string[],
    seen: readonly string[],
  ) => readonly string[]
}

const LINES: Readonly<Record<LauncherName, Launcher>> = {
  hydra: {
    perHost: true,
    program: 'mpiexec.hydra',
    // a rank that is killed takes those of its node along, and no others
    words: ({ perNode }, _, hosts) => [
      ...['-disable-auto-cleanup', '-n', String(perNode), '-hosts', hosts.join(',')],
    ],
  },
  openmpi: {
    perHost: true,
    program: 'mpiexec.openmpi',
    words: ({ perNode }, _, [host], seen) => [
      ...['-n', String(perNode), '--host', `${host}:${perNode}`],
      // one core for all threads of a rank is what it does by itself
      ...['--bind-to', 'none', '--mca', 'orte_abort_on_non_zero_status', '0'],
      ...seen.flatMap(name => ['-x', name]),
    ],
  },
  srun: {
    perHost: false,
    program: 'srun',
    words: ({ nodes, processes, perNode, cores }, _, hosts) => [
      ...['--no-kill', '--kill-on-bad-exit=0', '--unbuffered'],
      ...[`--nodes=${nodes}`, `--ntasks=${processes}`, `--ntasks-per-node=${perNode}`],
      ...[`--cpus-per-task=${cores}`],
      ...(hosts.length > 0 ? [`--nodelist=${hosts.join(',')}`] : []),
    ],
  },
  pals: {
    perHost: false,
    program: 'mpiexec',
    words: (shape, settings, hosts) => [
      ...['-n', String(shape.processes), '--ppn', String(shape.perNode)],
      ...palsBinding(shape, settings),
      ...['--envall', '--no-abort-on-failure', '--line-buffer', '--rlimits', 'NOFILE'],
      ...(hosts.length > 0 ? ['--hosts', hosts.join(',')] : []),
    ],
  },
}

/** Cores for each rank of a node: the site's own list where it has one for that many. */
function palsBinding({ perNode, cores }: Shape, { CPUS, RANKS }: Settings): string[] {
  // the agent binds its executors itself
  if (RANKS === 'node') return ['--cpu-bind', 'none']
  const lists = CPUS === '' ? [] : CPUS.split(':')
  return perNode <= lists.length && cores <= 8
    ? ['--cpu-bind', `list:${lists.slice(0, perNode).join(':')}`]
    : ['--depth', String(cores), '--cpu-bind', 'depth']
}

/** Needs it the names of its hosts? */
export function wantsHosts(launcher: LauncherName): boolean {
  return LINES[launcher].perHost
}

export function programOf(launcher: LauncherName): string {
  return LINES[launcher].program
}

/**
 * What starts the ranks of a job.
 * @param hosts by name; none: those of the allocation
 * @param rank the command of a rank; in a call for one host its `--first` is added
 * @param seen names of variables that the ranks shall have
 * @throws HedError USAGE where there are fewer hosts than nodes
 */
export function launchCalls(
  settings: Settings,
  hosts: readonly string[],
  rank: readonly string[],
  seen: readonly string[],
): Call[] {
  const launcher = LINES[settings.LAUNCHER || LAUNCHERS[0]]
  const shape = shapeOf(settings)
  const { nodes, perNode, processes } = shape
  const listed = launcher.perHost || settings.HOSTS !== '' ? hosts : []
  if ((launcher.perHost || listed.length > 0) && hosts.length < nodes)
    throw new HedError(
      'USAGE',
      `${plural(settings.PROCS, 'rank')} at ${settings.PPN} a node want ${plural(nodes, 'host')}, HOSTS has ${hosts.length}`,
      { hint: 'Give --procs, --ppn or --hosts so that they fit.' },
    )
  const used = listed.slice(0, nodes)
  const flags = settings.LAUNCHER_FLAGS.split(' ').filter(word => word !== '')
  const call = (host: string | undefined, on: readonly string[], part: Shape, more: string[]) => ({
    host,
    argv: [
      launcher.program,
      ...launcher.words(part, settings, on, seen),
      ...flags,
      ...rank,
      ...more,
    ] as const,
  })
  if (!launcher.perHost) return [call(undefined, used, shape, [])]
  return used.map((host, node) => {
    const first = node * perNode
    const part = { ...shape, perNode: Math.min(perNode, processes - first) }
    return call(host, [host], part, ['--first', String(first)])
  })
}
