// A High Error Drug sweep on this machine, from nothing: install, build, make data, run, read.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, setup } from './setup.mjs'

setup()
const data = 'demo-data'
const out = 'out'
const environment = { DATA_SOURCE: data, CANDLE_DATA_DIR: out }

step('data', 'demo', data)
step('local', 'upf/hed-demo.txt', 'dflts/hed-demo.json', '--procs', '3', '--threads', '1')
const exp = readdirSync(join(root, out))
  .filter(name => /^EXP\d+$/.test(name))
  .sort()
  .at(-1)
step('progress', join(out, exp))
console.log('\nThe error of each held-out drug, by index: Drug_008 (index 7) was made to be hard.')
step('extract', join(out, exp), 'mse')
step('top-drugs', join(out, exp), 'pred', 'ACH-000001', '5')
step('report', join(out, exp))
console.log(
  `\nOpen report.html in a browser. All files of the sweep are in ${join(out, exp)}; README.md says what each one is.`,
)

function step(...args) {
  console.log(`\n$ upf-heds ${args.join(' ')}`)
  const bin = join(root, 'dist/src/cli/bin.js')
  if (!existsSync(bin)) throw new Error(`${bin} is missing: run npm run build`)
  const { status } = spawnSync(process.execPath, [bin, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  })
  if (status !== 0) process.exit(status ?? 1)
}
