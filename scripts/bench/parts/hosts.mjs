// Hosts on one machine, each with a network of its own, joined by a switch. Needs root and iproute2.
import { spawnSync } from 'node:child_process'

/** @returns hosts, or undefined where there can be none, with why on stderr */
export function simulatedHosts(count) {
  const name = `stage${process.pid % 10000}`
  const run = (program, ...args) => {
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
  }
  const ip = (...args) => run('ip', ...args)
  const net = i => `${name}-${i}`
  const down = () => {
    for (const one of ['switch', ...Array.from({ length: count }, (_, i) => i)])
      spawnSync('ip', ['netns', 'del', net(one)])
  }
  try {
    ip('netns', 'add', net('switch'))
    ip('-n', net('switch'), 'link', 'add', 'lan', 'type', 'bridge')
    ip('-n', net('switch'), 'link', 'set', 'lan', 'up')
    for (let i = 0; i < count; i++) {
      ip('netns', 'add', net(i))
      const peer = ['peer', 'name', 'eth0', 'netns', net(i)]
      ip('-n', net('switch'), 'link', 'add', `v${i}`, 'type', 'veth', ...peer)
      ip('-n', net('switch'), 'link', 'set', `v${i}`, 'master', 'lan', 'up')
      ip('-n', net(i), 'addr', 'add', `10.78.0.${i + 1}/24`, 'dev', 'eth0')
      ip('-n', net(i), 'link', 'set', 'eth0', 'up')
      ip('-n', net(i), 'link', 'set', 'lo', 'up')
    }
  } catch (error) {
    console.error(`no simulated hosts here, plain processes instead: ${error.message.trim()}`)
    down()
    return undefined
  }
  const limit = (space, device, mbit) => {
    const rate = ['rate', `${mbit}mbit`, 'burst', '256kb', 'latency', '50ms']
    run(
      'ip',
      'netns',
      'exec',
      net(space),
      'tc',
      'qdisc',
      'replace',
      'dev',
      device,
      'root',
      'tbf',
      ...rate,
    )
  }
  return {
    /** Program and arguments that run a command on a host. */
    on: (i, program, args) => ['nsenter', [`--net=/run/netns/${net(i)}`, '--', program, ...args]],
    address: i => `10.78.0.${i + 1}`,
    /** Mbit/s both ways. */
    limit: (i, mbit) => {
      limit(i, 'eth0', mbit)
      limit('switch', `v${i}`, mbit)
    },
    unlimit: i => {
      spawnSync('ip', ['netns', 'exec', net(i), 'tc', 'qdisc', 'del', 'dev', 'eth0', 'root'])
      spawnSync('ip', [
        'netns',
        'exec',
        net('switch'),
        'tc',
        'qdisc',
        'del',
        'dev',
        `v${i}`,
        'root',
      ])
    },
    down,
  }
}
