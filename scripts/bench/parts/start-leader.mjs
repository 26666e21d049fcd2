// What a leader reads before it leads. argv: EXP; says seconds and how many RUNs are finished.
import { newLeader } from '../../../dist/src/engine/leader-state.js'
import { markersThere } from '../../../dist/src/engine/markers.js'
import { replayJournal, takeStock } from '../../../dist/src/engine/stock.js'
import { openExp } from '../../../dist/src/experiment/exp.js'
import { readPlanWithId } from '../../../dist/src/experiment/plan.js'

const began = performance.now()
const times = {}
const step = name => (times[name] = (performance.now() - began) / 1000)
const exp = openExp(process.argv[2], '.')
const marked = markersThere(exp.path)
const plan = readPlanWithId(exp.path)
step('plan')
const said = replayJournal(exp.path)
step('journal')
const there = await marked
const stock = takeStock(exp, plan.runs, plan.id, said, undefined, run => there.has(run))
step('stock')
const settings = { crashLimit: 3, beat: 5, suspect: 30, lost: 120, maxFailed: Infinity }
const leader = newLeader(plan.runs, { ...settings, deadline: Infinity, prefetch: 64 }, stock, 0)
step('seconds')
console.log(JSON.stringify({ ...times, finished: leader.counts.finished }))
