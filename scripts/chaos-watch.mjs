// Memory and descriptors of leader and agents over their lives, read off /proc. Used by chaos.mjs.
import { readdirSync, readFileSync } from 'node:fs'
import { clearInterval, setInterval } from 'node:timers'

const EVERY_MS = 1000
/** A process that has just started still grows: its code is compiled, its heap finds its size. */
const SETTLED_MS = 30_000
/** Shorter lives say nothing about a slope. */
const LEAST_MS = 120_000
/** What a life may grow by, as fitted, from its first settled moment to its end. */
const MOST = { MB: 12, fds: 2 }

export function watchProcesses() {
  const lives = []
  const look = () => {
    for (const life of lives) {
      if (life.gone) continue
      const rss = /VmRSS:\s+(\d+)/.exec(tryRead(`/proc/${life.pid}/status`) ?? '')?.[1]
      const fds = tryList(`/proc/${life.pid}/fd`)
      if (rss === undefined || fds === undefined) life.gone = true
      else life.samples.push({ t: performance.now(), MB: Number(rss) / 1024, fds: fds.length })
    }
  }
  const timer = setInterval(look, EVERY_MS)
  return {
    add: (rank, pid) => lives.push({ rank, pid, gone: false, samples: [] }),
    stop: () => clearInterval(timer),
    /** Of each life long enough; of each rank its longest one in any case. */
    fits: () => {
      const all = lives.flatMap(fit).sort((a, b) => a.rank - b.rank || b.seconds - a.seconds)
      return all.filter((f, i) => f.judged || f.rank !== all[i - 1]?.rank)
    },
  }
}

/** A fit that is judged and grows. */
export function grows({ judged, MB, fds }) {
  return judged && (MB.growth > MOST.MB || fds.growth > MOST.fds)
}

/** Robust straight lines through a life: `growth` from its first settled moment to its end. */
function fit({ rank, samples }) {
  const settled = samples.filter(s => s.t - samples[0].t >= SETTLED_MS)
  if (settled.length < 10) return []
  const ms = settled.at(-1).t - settled[0].t
  const of = name => {
    const slope = theilSen(settled.map(s => [s.t, s[name]]))
    const quarter = Math.ceil(settled.length / 4)
    const values = settled.map(s => s[name])
    return {
      growth: round(slope * ms),
      perHour: round(slope * 3_600_000),
      firstQuarter: round(median(values.slice(0, quarter))),
      lastQuarter: round(median(values.slice(-quarter))),
      most: round(Math.max(...values)),
    }
  }
  const seconds = Math.round(ms / 1000)
  return [{ rank, seconds, judged: ms >= LEAST_MS, MB: of('MB'), fds: of('fds') }]
}

/** Median of the slopes between all pairs: outliers, such as a collection of garbage, do not move it. */
function theilSen(points) {
  const step = Math.ceil(points.length / 300)
  const few = points.filter((_, i) => i % step === 0)
  const slopes = few.flatMap(([x, y], i) => few.slice(i + 1).map(([u, v]) => (v - y) / (u - x)))
  return median(slopes)
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

function round(value) {
  return Math.round(value * 100) / 100
}

function tryRead(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function tryList(path) {
  try {
    return readdirSync(path)
  } catch {
    return undefined
  }
}
