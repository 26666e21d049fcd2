// What a job that does nothing costs: 2 real workers against GNU parallel, both as whole commands.
// The start-up of either is taken out: the time of many jobs less that of few, over the jobs between.
// Usage: npm run -s bench -- jobs [--runs 2000] [--times 5] [--folder DIR]
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median, round, timed } from './parts/measure.mjs'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    times: { type: 'string', default: '5' },
    folder: { type: 'string', default: tmpdir() },
  },
})
const many = Number(values.runs)
const few = Math.floor(many / 10)
if (spawnSync('parallel', ['--version']).error) {
  console.error('GNU parallel is missing: install the package `parallel`')
  process.exit(2)
}
const folder = mkdtempSync(join(values.folder, 'upf-heds-jobs-'))
const file = (name, text) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const numbers = count => Array.from({ length: count }, (_, i) => i)
const upf = count =>
  file(
    `upf-${count}.txt`,
    numbers(count)
      .map(i => `{"id": "R${i}"}\n`)
      .join(''),
  )
const list = count => file(`list-${count}.txt`, numbers(count).join('\n'))
const dflts = file(
  'dflts.json',
  JSON.stringify({
    workflow: fileURLToPath(new URL('./parts/noop-workflow.mjs', import.meta.url)),
  }),
)
const data = join(folder, 'data')
mkdirSync(data)
const bin = fileURLToPath(new URL('../../dist/src/cli/bin.js', import.meta.url))
const settings = [
  ...['--procs', '3', '--threads', '1', '--data-source', data],
  ...['--candle-data-dir', join(folder, 'out'), '--tmp-root', join(folder, 'tmp')],
]
const ours = name => timed(process.execPath, [bin, 'local', name, dflts, ...settings])
const theirs = name => timed('parallel', ['-j2', 'true', '::::', name])

const results = []
const [upfMany, upfFew, listMany, listFew] = [upf(many), upf(few), list(many), list(few)]
for (let i = 0; i < Number(values.times); i++) {
  const [all, start] = [ours(upfMany), ours(upfFew)]
  const [allTheirs, startTheirs] = [theirs(listMany), theirs(listFew)]
  const result = {
    us: ((all - start) / (many - few)) * 1e6,
    parallel_us: ((allTheirs - startTheirs) / (many - few)) * 1e6,
    whole: all / allTheirs,
    start_s: start,
  }
  results.push({ ...result, ratio: result.us / result.parallel_us })
  console.log(JSON.stringify(results.at(-1)))
}
rmSync(folder, { recursive: true })
const of = key => round(median(results.map(r => r[key])))
const ratio = of('ratio')
console.log(
  JSON.stringify({
    bench: 'jobs',
    ratio,
    us_per_run: of('us'),
    parallel_us_per_job: of('parallel_us'),
    whole_command_ratio: of('whole'),
    start_s: of('start_s'),
    bar_ratio: 0.05,
    stretch_ratio: 0.02,
    ok: ratio <= 0.05,
  }),
)
