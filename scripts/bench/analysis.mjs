// What the commands that read an experiment take on one of 770 RUNs of 2,600 test and 2,600 validation rows.
// Usage: npm run -s bench -- analysis [--exp DIR]; without --exp one is made first, which takes a minute or two
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { RANK } from './parts/make-exp.mjs'
import { round } from './parts/measure.mjs'

const { values } = parseArgs({ options: { exp: { type: 'string' } } })
const made = values.exp === undefined ? mkdtempSync(join(tmpdir(), 'upf-heds-bench-')) : undefined
const exp = values.exp ?? makeExp(made)

/** Command, seconds of wall time. */
const BARS = [
  [['progress'], 5],
  [['progress', '--verify'], 5],
  [['epochs'], 5],
  [['extract'], 5],
  [['top-drugs', 'pred', 'ACH-000010', '10'], 5],
  [['list-cells'], 5],
  [['score-cells'], 5],
  [['convergence'], 5],
  [['shrink-logs'], 5],
  [['clean-ckpts', '1'], 5],
  [['results'], 30],
  [['export'], 5],
  [['results', '--val'], 30],
]
const MEMORY_MB = 1024

/** Tells what it used, on a pipe of its own, when it ends. */
const TELL = `import fs from 'node:fs'
process.on('exit', () => fs.writeSync(3, JSON.stringify(process.resourceUsage())))`

function makeExp(folder) {
  const script = new URL('../make-exp.mjs', import.meta.url).pathname
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder])
  if (status !== 0) throw new Error(`make-exp: ${stderr}`)
  return stdout.toString().trim()
}

function measure([command, ...rest]) {
  const tell = `data:text/javascript,${encodeURIComponent(TELL)}`
  const args = ['--import', tell, RANK, command, exp, ...rest]
  const begun = performance.now()
  const { status, stderr, output } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    maxBuffer: 1e9,
  })
  const seconds = (performance.now() - begun) / 1000
  if (status !== 0) throw new Error(`${command}: exit ${status} ${stderr}`)
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(output[3].toString())
  return { seconds, cpu: (userCPUTime + systemCPUTime) / 1e6, mb: maxRSS / 1024 }
}

const commands = {}
let ok = true
for (const [words, bar] of BARS) {
  const { seconds, cpu, mb } = measure(words)
  commands[words.join(' ')] = { s: round(seconds), cpu_s: round(cpu), mb: round(mb), bar_s: bar }
  ok &&= seconds <= bar && mb <= MEMORY_MB
}
if (made) rmSync(made, { recursive: true })
console.log(JSON.stringify({ bench: 'analysis', bar_mb: MEMORY_MB, commands, ok }))
