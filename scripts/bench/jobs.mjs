// What a job that does nothing costs: 2 real workers, with an agent each (`--ranks tile`) and with one for both (`--ranks node`),
// against GNU parallel, all as whole commands.
// The start-up of either is taken out: the time of many jobs less that of few, over the jobs between.
// In memory: an ext4 without a journal does not use the inodes of the last five minutes' deleted files again, and to look past them makes
// each new file of a RUN up to ten times as dear, by what was deleted, such as the folders of this bench's last run; an ext4 whose journal
// is small stands still whenever that is full. `--folder` measures a disk.
// Usage: npm run -s bench -- jobs [--runs 2000] [--times 5] [--folder DIR]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median, round, timed } from './parts/measure.mjs'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    times: { type: 'string', default: '5' },
    folder: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
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
/** An agent for each worker, or one for both. */
const MODES = { tile: [], node: ['--ranks', 'node'] }
const ours = (name, mode) =>
  timed(process.execPath, [bin, 'local', name, dflts, ...settings, ...MODES[mode]])
const theirs = name => timed('parallel', ['-j2', '--tmpdir', folder, 'true', '::::', name])

const results = []
const [upfMany, upfFew, listMany, listFew] = [upf(many), upf(few), list(many), list(few)]
const each = (all, start) => ((all - start) / (many - few)) * 1e6
for (let i = 0; i < Number(values.times); i++) {
  const result = {}
  for (const mode of Object.keys(MODES)) {
    const [all, start] = [ours(upfMany, mode), ours(upfFew, mode)]
    result[mode] = { us: each(all, start), all, start }
  }
  const [all, start] = [theirs(listMany), theirs(listFew)]
  result.parallel = { us: each(all, start), all, start }
  results.push(result)
  console.log(JSON.stringify(result, (_, v) => (typeof v === 'number' ? round(v) : v)))
}
rmSync(folder, { recursive: true })
const of = value => round(median(results.map(value)))
const figures = mode => ({
  ratio: of(r => r[mode].us / r.parallel.us),
  us_per_run: of(r => r[mode].us),
  whole_command_ratio: of(r => r[mode].all / r.parallel.all),
  start_s: of(r => r[mode].start),
})
const modes = { tile: figures('tile'), node: figures('node') }
console.log(
  JSON.stringify({
    bench: 'jobs',
    ...modes,
    parallel_us_per_job: of(r => r.parallel.us),
    bar_ratio: 0.05,
    stretch_ratio: 0.02,
    ok: modes.tile.ratio <= 0.05,
  }),
)
