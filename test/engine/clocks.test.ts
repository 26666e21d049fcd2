import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

/**
 * The clock of the day may jump. It is shown, and named by Slurm; no lease, timeout or retry is told by it.
 */
const SHOWN: Readonly<Record<string, RegExp>> = {
  'src/engine/leader-process.ts': /^const started = new Date\(\)$/,
  'src/engine/leader-status.ts': /^(started: Date,|ended: new Date\(\)\.toISOString\(\),)$/,
  'src/engine/monitor.ts': /clock\(new Date\(\)\)/,
  // seconds since 1970 are all that Slurm and a job script tell; turned into our own clock once
  'src/engine/deadline.ts': /now \+ \(end - Date\.now\(\)/,
}

t.test('no decision of engine or launcher is taken by the clock of the day', async t => {
  const files = [
    ...fs.readdirSync('src/engine').map(f => join('src/engine', f)),
    'src/sites/local.ts',
  ]
  let shown = 0
  for (const file of files)
    for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
      if (!/\bDate\b/.test(line)) continue
      shown++
      if (SHOWN[file]?.test(line.trim()) !== true) t.fail(`${file}: ${line.trim()}`)
    }
  t.ok(shown >= 4, 'the sources are read')
})
