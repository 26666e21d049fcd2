// What an executor does with staged data, in a process of its own. argv: `stage` SOURCE TARGET, or `load` TARGET DRUG.
import { loadData, stageData } from '../../../dist/workflows/hed/data.js'
import { partitionByDrug } from '../../../dist/workflows/hed/partition.js'
import { memory } from './measure.mjs'
import { randomKey } from '../../../dist/src/base/random.js'

const [what, ...rest] = process.argv.slice(2)
const began = performance.now()
const seconds = from => (performance.now() - from) / 1000
if (what === 'stage') {
  await stageData(rest[0], rest[1])
  const { user, system } = process.cpuUsage()
  console.log(
    JSON.stringify({ seconds: seconds(began), cpu_s: (user + system) / 1e6, rss_mb: rss() }),
  )
} else {
  const data = await loadData(rest[0])
  const load_s = seconds(began)
  // the first is the one that a RUN waits for; later ones find compiled code
  const before = process.cpuUsage()
  let partition_cpu_s
  const partition_s = [0, 1, 2].map(more => {
    const drug = Number(rest[1]) + more
    const begun = performance.now()
    partitionByDrug(data, drug, randomKey(0, data.drugs.values[drug]))
    partition_cpu_s ??= process.cpuUsage(before).user / 1e6
    return seconds(begun)
  })
  console.log(JSON.stringify({ load_s, partition_s, partition_cpu_s, rss_mb: rss() }))
}

function rss() {
  return memory(process.pid, 'status', 'VmHWM') // maxRSS would begin with the parent's
}
