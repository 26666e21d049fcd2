import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHosts, type Hosts } from '../hosts/hosts.js'

/** A Slurm cluster of three nodes: its real daemons, a key and ports of its own. */
export interface Cluster {
  /** For the commands of Slurm, and what goes before them. */
  readonly env: NodeJS.ProcessEnv
  readonly on: (folder: string) => readonly string[]
  /** The nodes, where each is a host: `h2`, `h3`, `h4`. */
  readonly hosts: Hosts | undefined
  /** Why there is none. */
  readonly missing: string | undefined
  readonly down: () => void
}

const NODES = 3
const DAEMONS = ['munged', 'slurmctld', 'slurmd', 'sbatch']
/** Seconds for all nodes to be idle. */
const LIMIT = 30

/** @param on one host: all nodes are this machine · several: each node a simulated host, and h1 the controller */
export async function startSlurm(on: 'one host' | 'several'): Promise<Cluster> {
  const nowhere = { env: {}, on: () => [], hosts: undefined, down: () => undefined }
  const none = (missing: string): Cluster => ({ ...nowhere, missing })
  if (process.getuid?.() !== 0) return none('its daemons run as root only')
  const absent = DAEMONS.filter(name => spawnSync('which', [name]).status !== 0)
  if (absent.length > 0) return none(`not installed: ${absent.join(', ')}`)
  // not a test's own folder: the path of a socket is short
  const folder = fs.mkdtempSync(join(tmpdir(), 'slurm-'))
  fs.chmodSync(folder, 0o755)
  const hosts = on === 'several' ? await startHosts(NODES + 1, [process.cwd(), folder]) : undefined
  const started: ChildProcess[] = []
  const down = () => {
    for (const child of started) child.kill('SIGKILL')
    hosts?.down()
    fs.rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', down)
  if (hosts?.missing !== undefined) {
    down()
    return none(hosts.missing)
  }
  const file = (name: string) => join(folder, name)
  fs.writeFileSync(file('munge.key'), randomBytes(128), { mode: 0o600 })
  fs.writeFileSync(file('slurm.conf'), configuration(folder, hosts !== undefined))
  const env = { SLURM_CONF: file('slurm.conf') }
  const onHost = (host: string, at?: string) => hosts?.on(host, at) ?? []
  const daemon = (host: string, ...command: readonly string[]) => {
    const log = fs.openSync(file(`${command[0]}.out`), 'a')
    const stdio = ['ignore', log, log] as const
    const [program, ...args] = [...onHost(host), ...command]
    const environment = { ...process.env, ...env }
    started.push(spawn(program!, args, { env: environment, stdio: [...stdio] }))
    fs.closeSync(log)
  }
  const own = ['key-file=munge.key', 'socket=munge.socket', 'pid-file=munge.pid']
  const more = ['log-file=munge.log', 'seed-file=munge.seed']
  const options = [...own, ...more].map(text => `--${text.replace('=', `=${folder}/`)}`)
  const munged = ['munged', '--foreground', '--force', ...options]
  started.push(spawn(munged[0]!, munged.slice(1), { stdio: 'ignore' }))
  await until(() => fs.existsSync(file('munge.socket')))
  daemon('h1', 'slurmctld', '-D', '-i')
  for (let node = 1; node <= NODES; node++) {
    if (hosts) daemon(`h${node + 1}`, 'slurmd', '-D')
    else daemon('', 'slurmd', '-D', '-N', `n${node}`)
  }
  const isUp = await until(() => {
    const command = ['sinfo', '--noheader', '--states=idle', '--format=%D']
    const [program, ...args] = [...onHost('h1'), ...command]
    const { stdout } = spawnSync(program!, args, { env: { ...process.env, ...env } })
    return stdout.toString().trim() === String(NODES)
  })
  if (isUp) return { env, on: at => onHost('h1', at), hosts, missing: undefined, down }
  const said = fs.readFileSync(file('slurmd.out'), 'utf8').trim().split('\n').at(-1)
  down()
  return none(`its nodes do not come up: ${said}`)
}

function configuration(folder: string, isSeveral: boolean): string {
  const ports = 20_000 + Math.floor(Math.random() * 10_000)
  const host = hostname()
  const nodes = isSeveral
    ? [`NodeName=h[2-${NODES + 1}] CPUs=4`]
    : Array.from({ length: NODES }, (_, i) => {
        const where = `NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports + 1 + i}`
        return `NodeName=n${i + 1} ${where} CPUs=4`
      })
  return [
    'ClusterName=test',
    `SlurmctldHost=${isSeveral ? 'h1' : `${host}(127.0.0.1)`}`,
    `SlurmctldPort=${ports}`,
    'SlurmUser=root',
    'AuthType=auth/munge',
    // a job that is requeued begins when its credential has expired
    `AuthInfo=socket=${folder}/munge.socket,cred_expire=10`,
    'MpiDefault=none',
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool-%n`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd-%n.pid`,
    'SlurmdParameters=config_overrides',
    'SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=1',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_CPU',
    'ReturnToService=2',
    'SlurmdTimeout=10',
    'KillWait=5',
    ...nodes,
    `PartitionName=debug Nodes=ALL Default=YES MaxTime=60 State=UP`,
    '',
  ].join('\n')
}

/** @returns false if it did not come to be in time */
async function until(condition: () => boolean): Promise<boolean> {
  const end = performance.now() + LIMIT * 1000
  while (performance.now() < end) {
    if (condition()) return true
    await new Promise(done => setTimeout(done, 200))
  }
  return false
}
