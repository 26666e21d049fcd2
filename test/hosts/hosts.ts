import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * Simulated hosts on this machine: each has a network with an address of its own, a hostname, /tmp, /dev/shm
 * and processes. They hang on one switch, in a network of its own, so that hosts of two tests never meet. Nothing
 * of them has a name outside: when their processes are gone, and these go with the test, all is gone.
 */
export interface Hosts {
  /** Why there are none. */
  readonly missing: string | undefined
  /** `h1`, `h2`, … */
  readonly names: readonly string[]
  /** For the stand-in ssh. */
  readonly env: NodeJS.ProcessEnv
  /** What goes before a command that shall run on the host, in `folder`. */
  readonly on: (host: string, folder?: string) => readonly string[]
  /**
   * The same for a login node: network and name of the host, processes and /tmp of this machine. From there
   * the stand-in ssh reaches the others.
   */
  readonly login: (host: string) => readonly string[]
  /** What is run is run on the host, as root of it. @throws where it fails */
  readonly run: (host: string, command: string) => string
  /** The cable is pulled: the others hear nothing any more. */
  readonly cut: (host: string) => void
  readonly heal: (host: string) => void
  /** The host crashes: all its processes, its network, its /tmp. */
  readonly kill: (host: string) => void
  readonly down: () => void
}

const TOOLS = ['unshare', 'nsenter', 'ip', 'mount']
/** The stand-in ssh. */
export const SSH = resolve('test/hosts/ssh')
const INIT = resolve('test/hosts/init.sh')

/**
 * @param count hosts
 * @param shared folders that all hosts see, as on a parallel file system; the rest of / but /tmp is seen, too
 */
export async function startHosts(count: number, shared: readonly string[]): Promise<Hosts> {
  const missing = whatIsMissing()
  if (missing !== undefined) return noHosts(missing)
  const folder = fs.mkdtempSync(join(tmpdir(), 'hosts-'))
  const names = Array.from({ length: count }, (_, i) => `h${i + 1}`)
  const file = join(folder, 'hosts')
  const addresses = names.map((name, i) => `${addressOf(i)} ${name}`)
  fs.writeFileSync(file, ['127.0.0.1 localhost', ...addresses, ''].join('\n'))
  const started: ChildProcess[] = []
  const down = () => {
    for (const child of started) child.kill('SIGKILL')
    fs.rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', down)
  const inits = new Map<string, number>()
  try {
    const wire = await init(started, ['--net'], ['bash', '-c', 'echo ready; read -r _'])
    inSpace(wire, 'net', 'ip link add switch type bridge && ip link set switch up')
    for (const [i, name] of names.entries()) {
      const room = join(folder, `${name}.tmp`)
      fs.mkdirSync(room)
      const spaces = ['--net', '--mount', '--uts', '--ipc', '--pid', '--propagation=private']
      const pid = await init(started, spaces, [INIT, name, file, room, ...shared])
      inits.set(name, pid)
      fs.writeFileSync(join(folder, name), `${pid}\n`)
      const plug = `ip link add port${i} type veth peer name eth0 netns ${pid}`
      inSpace(wire, 'net', `${plug} && ip link set port${i} master switch up`)
      const address = `ip addr add ${addressOf(i)}/24 dev eth0 && ip link set eth0 up`
      inSpace(pid, 'net', `ip link set lo up && ${address}`)
    }
    const on = (host: string, ...spaces: string[]) => [
      ...['nsenter', '--target', String(inits.get(host)!)],
      ...['--uts', '--net', ...spaces, '--'],
    ]
    const all = (host: string, folder = process.cwd()) =>
      on(host, '--mount', '--ipc', '--pid', `--wd=${folder}`)
    const port = (host: string, state: string) =>
      inSpace(wire, 'net', `ip link set port${names.indexOf(host)} ${state}`)
    return {
      ...{ missing: undefined, names, down },
      env: { SIM_HOSTS: folder, HOME: '/root', USER: 'root' },
      on: all,
      login: host => on(host),
      run: (host, command) => call([...all(host), 'bash', '-c', command]),
      cut: host => port(host, 'down'),
      heal: host => port(host, 'up'),
      kill: host => void process.kill(inits.get(host)!, 'SIGKILL'),
    }
  } catch (error) {
    down()
    return noHosts(error instanceof Error ? error.message : String(error))
  }
}

function noHosts(missing: string): Hosts {
  const none = () => {
    throw new Error(missing)
  }
  const calls = { on: none, login: none, run: none, cut: none, heal: none, kill: none }
  return { missing, names: [], env: {}, ...calls, down: () => undefined }
}

function whatIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'they need root'
  const absent = TOOLS.filter(name => spawnSync('which', [name]).status !== 0)
  return absent.length > 0 ? `not installed: ${absent.join(', ')}` : undefined
}

function addressOf(i: number): string {
  return `10.77.0.${i + 1}`
}

/** A process in new namespaces that has said that it is ready; it ends when we do. @returns its number here */
async function init(
  started: ChildProcess[],
  spaces: readonly string[],
  command: readonly string[],
): Promise<number> {
  const args = ['--fork', '--kill-child', ...spaces, '--', ...command]
  const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  started.push(child)
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  await new Promise<void>((done, fail) => {
    child.stdout.once('data', () => done())
    child.once('error', fail)
    child.once('exit', () => fail(new Error(`no namespaces here: ${said.trim()}`)))
  })
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    stream.on('error', () => undefined)
    ;(stream as unknown as { unref(): void }).unref()
  }
  child.unref()
  const children = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  return Number(children.trim())
}

function inSpace(pid: number, space: string, command: string): void {
  call(['nsenter', '--target', String(pid), `--${space}`, '--', 'sh', '-c', command])
}

function call([program, ...args]: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program!, args, {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr.trim()}`)
  return stdout
}
