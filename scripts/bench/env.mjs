// What a runtime image saves: an environment of many small files brought to a node-local folder, unpacked from one
// image, against `cp -r` of the same files; then with some ms added to each open of a source file, as a busy parallel
// file system does. Interleaved, medians of the ratios; each command begins with its target gone. The node-local folder
// lies in memory, as that of nodes without a disk does, and so no other's writes are measured.
// Usage: npm run -s bench -- env [--files 100000] [--times 5] [--delay-ms 1] [--delayed-files 5000] [--tmp /dev/shm]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median, round, timed } from './parts/measure.mjs'
import { options } from './parts/options.mjs'
import { makeTree } from './parts/small-files.mjs'

/** Of the time of `cp -r`: unpacking at most, and how many times faster at least where an open is slow. */
const BARS = { ratio: 1.2, delayed_speedup: 5 }
const given = options({
  files: 100_000,
  times: 5,
  'delay-ms': 1,
  'delayed-files': 5000,
  tmp: [existsSync('/dev/shm') ? '/dev/shm' : tmpdir()],
})
const BIN = fileURLToPath(new URL('../../dist/src/cli/bin.js', import.meta.url))
const SHIM = fileURLToPath(new URL('./parts/slow-open.c', import.meta.url))
const folder = mkdtempSync(join(given.tmp[0], 'upf-heds-env-'))
try {
  console.log(`load ${round(loadavg()[0])} at the start; making ${given.files} files`)
  const warm = compare('warm', given.files, given.times, {})
  const slow = delayed()
  const result = {
    cp_s: round(median(warm.map(r => r.cp))),
    unpack_s: round(median(warm.map(r => r.unpack))),
    ratio: round(median(warm.map(r => r.unpack / r.cp))),
    again_s: round(median(warm.map(r => r.again))),
    delayed_cp_s: slow && round(median(slow.map(r => r.cp))),
    delayed_unpack_s: slow && round(median(slow.map(r => r.unpack))),
    delayed_speedup: slow && round(median(slow.map(r => r.cp / r.unpack))),
  }
  const ok = result.ratio <= BARS.ratio && !(result.delayed_speedup < BARS.delayed_speedup)
  console.log(
    `unpack ${result.unpack_s} s, cp -r ${result.cp_s} s: ${result.ratio} ×, bar ${BARS.ratio} ×; there already ${result.again_s} s`,
  )
  console.log(
    slow
      ? `with ${given['delay-ms']} ms an open: unpack ${result.delayed_unpack_s} s, cp -r ${result.delayed_cp_s} s: ${result.delayed_speedup} × faster, bar ${BARS.delayed_speedup} ×`
      : 'no C compiler here: slow opens were left out',
  )
  console.log(JSON.stringify({ bench: 'env', ...given, ...result, bars: BARS, ok }))
  process.exitCode = ok ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Fewer files: at a ms each, `cp -r` of all would take minutes and say the same. */
function delayed() {
  const library = join(folder, 'slow-open.so')
  const built = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, SHIM, '-ldl'])
  if (built.status !== 0) return undefined
  const slow = { LD_PRELOAD: library, SLOW_OPEN_MS: String(given['delay-ms']) }
  return compare('slow', given['delayed-files'], given.times, slow)
}

function compare(name, files, times, environment) {
  const [source, images] = [join(folder, name), join(folder, `${name}-images`)]
  makeTree(source, files)
  const made = spawnSync(
    process.execPath,
    [BIN, 'env', 'create', source, '--env-dir', images, '--json'],
    { encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(made.stderr)
  const { image } = JSON.parse(made.stdout)
  // only what lies on the file system that is simulated is slow: the source and the image
  const env = { ...process.env, ...environment, SLOW_OPEN_UNDER: `${source}:${images}` }
  const target = join(folder, 'node')
  const fresh = () => {
    rmSync(target, { recursive: true, force: true })
    mkdirSync(target, { mode: 0o700 })
  }
  const unpack = () => timed(process.execPath, [BIN, 'env', 'unpack', image, target], { env })
  return Array.from({ length: times }, () => {
    fresh()
    const cp = timed('cp', ['-r', source, join(target, 'copy')], { env })
    fresh()
    const first = unpack()
    if (!readdirSync(target).some(entry => entry.startsWith('env-')))
      throw new Error('no image was unpacked')
    return { cp, unpack: first, again: unpack() }
  })
}
