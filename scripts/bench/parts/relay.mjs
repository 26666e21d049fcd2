// A chain of simulated hosts, each of which writes what it receives and passes it on (relay.c): what TCP and memory
// alone allow on this machine.
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('./relay.c', import.meta.url))

/** @returns seconds until the last host had it all, a function; undefined where there is no C compiler */
export function plainRelay(hosts, count, folder, data) {
  const program = join(folder, 'relay')
  if (spawnSync('cc', ['-O2', '-o', program, SOURCE]).status !== 0) return undefined
  const whole = join(folder, 'whole')
  for (const name of readdirSync(data))
    writeFileSync(whole, readFileSync(join(data, name)), { flag: 'a' })
  return async () => {
    const out = i => join(folder, `relay-${i}`)
    const said = await Promise.all(
      Array.from({ length: count }, (_, i) => {
        const next = i === count - 1 ? 'end' : hosts.address(i + 1)
        const words = [i === 0 ? whole : 'listen', out(i), next]
        const child = spawn(...hosts.on(i, program, words), {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        let text = ''
        child.stdout.on('data', part => (text += part))
        return new Promise((done, failed) =>
          child.on('close', code =>
            code === 0 ? done(text.split(' ').map(Number)) : failed(new Error(`relay: ${code}`)),
          ),
        )
      }),
    )
    for (let i = 0; i < count; i++) rmSync(out(i))
    return Math.max(...said.map(([, end]) => end)) - said[0][0]
  }
}
