// Make an experiment as a long sweep leaves it, without training: to try the analysis on 770 RUNs of 2,600 rows.
// All files come from the writers of a real sweep, so the EXP is valid; the numbers are made up, the same each time.
// Usage: node scripts/make-exp.mjs DIR [--drugs 770] [--cells 1000] [--rows 2600] [--val 2600] [--epochs 20]
//        [--ranks 96] [--failures 5] [--seeds 1]
// --seeds: so many RUNs hold each drug out, RUN000, RUN000-1, …
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crc32, sha256 } from '../dist/src/base/digest.js'
import { clock } from '../dist/src/base/log.js'
import { plural } from '../dist/src/base/plural.js'
import { createExp, writeExp } from '../dist/src/experiment/exp.js'
import { encodeRecords } from '../dist/src/experiment/journal.js'
import * as layout from '../dist/src/experiment/layout.js'
import { writeMarker } from '../dist/src/experiment/marker.js'
import { parametersText } from '../dist/src/experiment/parameters-file.js'
import { writePlan } from '../dist/src/experiment/plan.js'
import { prepare, readInputs } from '../dist/src/experiment/prepare.js'
import { generateUpf } from '../dist/src/experiment/generate.js'
import { checkSettings, mergeSettings } from '../dist/src/sites/settings.js'
import { parquetBytes } from '../dist/src/table/parquet-writer.js'
import { writeResponses } from '../dist/src/table/response-file.js'
import { writeHistory } from '../dist/src/train/history.js'
import { scores } from '../dist/src/train/scores.js'
import { workflow } from '../dist/workflows/hed/index.js'
import { writePredictions } from '../dist/workflows/hed/predictions.js'
import { curve, PATIENCE, shapes } from './exp/curves.mjs'
import { makeResponses, modelOf, normals, uniforms } from './exp/responses.mjs'
import { makeSchedule } from './exp/schedule.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    Object.entries({
      ...{ drugs: '770', cells: '1000', rows: '2600', val: '2600' },
      ...{ epochs: '20', ranks: '96', failures: '5', seeds: '1' },
    }).map(([name, text]) => [name, { type: 'string', default: text }]),
  ),
})
const size = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)]))
const [folder] = positionals
if (folder === undefined || existsSync(join(folder, 'out')))
  throw new Error('usage: node scripts/make-exp.mjs DIR [--drugs 770], where DIR has no out/')

const TILES = 12
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const WALLTIME = 'the walltime of the job is over'
/** RUNs whose files are written at a time. */
const TOGETHER = 8

const data = makeResponses(size)
const exp = await makeExp()
const runs = exp.plan.map((plan, i) => {
  const { history, isEarly } = curve(plan.run, exp.shapes[i], size.epochs)
  return { run: plan.run, plan, history, reason: isEarly ? 'early stopping' : 'completed' }
})
const { ranks, failures } = size
const schedule = makeSchedule(runs, { ranks, perNode: TILES, failures })
const began = Date.now() - 1000 * schedule.lives.reduce((sum, life) => sum + life.length + 600, 0)
const attempts = schedule.lives.flatMap(life => life.attempts.map(a => ({ ...a, life: life.life })))

for (let at = 0; at < runs.length; at += TOGETHER)
  await Promise.all(runs.slice(at, at + TOGETHER).map(writeRun))
writeJournal()
writeLogs()
writeStatus()
writeExp({ ...exp, created: new Date(began - 30_000).toISOString() })
console.log(exp.path)

/** Data, UPF and DFLTS beside the EXP; the plan as a sweep makes it. */
async function makeExp() {
  const source = join(folder, 'data')
  mkdirSync(source, { recursive: true })
  const { cellNames, drugNames, cellOf, drugOf, aucTrue } = data
  const features = (prefix, names, width) =>
    Object.fromEntries(
      Array.from({ length: width }, (_, w) => [
        `${prefix}${w + 1}`,
        Float32Array.from(normals(`${prefix}${w}`, names.length)),
      ]),
    )
  for (const [name, columns] of Object.entries({
    rsp_merged: {
      improve_sample_id: Array.from(cellOf, c => cellNames[c]),
      improve_chem_id: Array.from(drugOf, d => drugNames[d]),
      auc: aucTrue,
    },
    ge_merged_data: { improve_sample_id: cellNames, ...features('ge.', cellNames, 8) },
    md_merged_data: { improve_chem_id: drugNames, ...features('mordred.', drugNames, 8) },
  }))
    writeFileSync(join(source, `${name}.parquet`), await parquetBytes(columns))
  const upf = join(folder, `hed-${size.drugs}.txt`)
  const dflts = join(folder, `dflts-e${size.epochs}.json`)
  generateUpf({ count: size.drugs, file: upf })
  for (let seed = 1; seed < size.seeds; seed++)
    for (let index = 0; index < size.drugs; index++) {
      const id = `RUN${String(index).padStart(3, '0')}-${seed}`
      appendFileSync(upf, `${JSON.stringify({ id, index, seed })}\n`)
    }
  const shared = { epochs: size.epochs, early_stopping_patience: PATIENCE }
  writeFileSync(dflts, `${JSON.stringify(shared, null, 2)}\n`)
  const merged = mergeSettings(
    'pbs',
    {},
    {
      ...{ PROCS: String(size.ranks + 1), THREADS: '8', DATA_SOURCE: source },
      ...{ CANDLE_DATA_DIR: join(folder, 'out'), PPN: String(TILES), PROJECT: 'made-up' },
      ...{ QUEUE: 'workq', WALLTIME: '3:00:00' },
    },
  )
  const settings = { ...checkSettings(merged), BACKEND: 'ort' }
  const inputs = readInputs(upf, dflts)
  const prepared = await prepare(inputs, workflow, {
    ...{ dataSource: source, threads: 8, backend: 'ort', timeout: -1, strict: true },
    defaults: workflow.defaults,
  })
  mkdirSync(settings.CANDLE_DATA_DIR, { recursive: true })
  const { runs: plan } = prepared.plan
  const made = await createExp(
    {
      ...{
        data: prepared.data,
        settings,
        workflow: inputs.workflow,
        site: 'pbs',
        version,
      },
      ...{
        origins: merged.origins,
        backendWhy: 'made up: nothing was trained',
        defaults: workflow.defaults,
      },
    },
    inputs,
    ({ path }) => writePlan(path, plan),
  )
  return { ...made, plan, shapes: shapes(plan.length) }
}

async function writeRun({ run, plan, history, reason }) {
  const directory = layout.run(exp.path, run)
  const file = name => join(directory, layout.RUN_FILES[name])
  const own = attempts.filter(a => a.run === run)
  const { rank, host, attempt, last, life, to } = own.at(-1)
  const place = `rank = ${rank}\nhost = ${host}\ntile = ${(rank - 1) % TILES}\n`
  mkdirSync(directory)
  writeFileSync(
    file('rank'),
    `${place}attempt = ${attempt}\nleader = ${life + 1}\nexp = ${exp.path}\n`,
  )
  writeFileSync(file('parameters'), parametersText(plan.params, plan.origins, plan.resolved))
  const so_far = Object.fromEntries(
    Object.entries(history).map(([name, list]) => [name, list.slice(0, last)]),
  )
  await writeHistory(file('history'), so_far)
  const { failed, finish } = schedule.known.get(run)
  if (failed) {
    const [fate, message] = failed
    const error = { run, attempt, fate, message, log: linesOf(own.at(-1)).slice(-20) }
    writeFileSync(file('error'), `${JSON.stringify(error, null, 2)}\n`)
    return
  }
  await writePredicted(run, plan)
  writeFileSync(file('result'), `${history.val_loss.at(-1)}\n`)
  const ended = new Date(startOf(life) + 1000 * to)
  const marker = await writeMarker(exp.path, run, {
    ...{ attempt, epochs: last, reason, params: plan.digest, data: exp.data.digest },
    seed: plan.params.seed ?? 0,
    outputs: [
      ...['test_scores.json', 'val_scores.json', 'test_y_data_predicted.csv'],
      ...['val_y_data_predicted.csv', 'rsp_test_data.parquet', 'history.txt', 'result.txt'],
    ],
  })
  const text = marker.replace(/"time":"[^"]*"/, `"time":"${ended.toISOString()}"`)
  writeFileSync(file('marker'), text)
  utimesSync(file('marker'), ended, ended)
  utimesSync(directory, ended, ended)
  finish.marker = sha256(text)
}

async function writePredicted(run, { params: { seed = 0 }, resolved: { index, drug } }) {
  const { rows, drugs } = size
  const draw = uniforms(`val ${run}`, size.val)
  const test = Int32Array.from({ length: rows }, (_, r) => index * rows + r)
  const others = (drugs - 1) * rows
  const val = Int32Array.from(draw, u => Math.floor(u * others))
    .map(row => (row < index * rows ? row : row + rows))
    .sort()
  const predict = modelOf(data, run, seed)
  const cells = at => Array.from(at, i => data.cellNames[data.cellOf[i]])
  for (const [which, at] of Object.entries({ test, val })) {
    const yTrue = Float64Array.from(at, i => data.aucTrue[i])
    const yPred = Float32Array.from(at, i => predict(which, data.drugOf[i], data.cellOf[i]))
    const file = name => join(layout.run(exp.path, run), layout.RUN_FILES[`${which}${name}`])
    const found = { ...scores(yTrue, yPred), n: at.length, drug, index }
    const distinct = new Set(at.map(i => data.cellOf[i])).size
    const text = JSON.stringify({ ...found, cells: distinct }, null, 4)
    writeFileSync(file('Scores'), `${text}\n`)
    await writePredictions(file('Predictions'), yTrue, yPred, cells(at))
  }
  await writeResponses(join(layout.run(exp.path, run), layout.RUN_FILES.testRows), {
    cells: cells(test),
    drugs: Array.from(test, () => drug),
    auc: Float64Array.from(test, i => data.aucTrue[i]),
  })
}

/** When a life began, ms. */
function startOf(life) {
  return began + 1000 * (life === 0 ? 0 : schedule.lives[0].length + 600)
}

function writeJournal() {
  const path = layout.journal(exp.path)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const bytes = readPlanBytes()
  for (const { life, events, snapshot } of schedule.lives) {
    const earlier = life === 0 ? [] : schedule.lives[0].snapshot
    const finished = earlier.filter(([, , finish]) => finish).length
    const head = {
      ...{ type: 'began', epoch: life + 1, job: `${4201337 + life}.pbs`, plan: bytes.id },
      ...{ host: 'node-001', time: new Date(startOf(life)).toISOString() },
      counts: { runs: runs.length, finished, begun: earlier.filter(([, n]) => n > 0).length },
    }
    const known = { type: 'snapshot', part: 0, last: true, runs: earlier }
    const left = snapshot.some(([, , finish]) => !finish) && life === 0
    const records = [
      head,
      ...(life === 0 ? [] : [known]),
      ...events,
      ...(left ? [{ type: 'stopped', reason: WALLTIME }] : []),
    ]
    const texts = records.map(record => JSON.stringify(record))
    writeFileSync(join(path, `00000${life + 1}.log`), encodeRecords(1, texts))
  }
}

function readPlanBytes() {
  const text = exp.plan.map(r => `${JSON.stringify(r)}\n`).join('')
  const bytes = Buffer.from(text)
  return { id: `${bytes.length}-${crc32(bytes).toString(16)}` }
}

/** What an attempt prints. */
function linesOf({ run, attempt, from, to, first, last, fate, life }) {
  const { history, plan } = runs[exp.plan.findIndex(p => p.run === run)]
  const { drug } = plan.resolved
  const stamp = at => `${clock(new Date(startOf(life) + 1000 * at))}.000`
  const lines = [
    `${stamp(from)} ${run} attempt ${attempt} begins`,
    `${stamp(from)} ${run}: ${drug}: ${size.rows} test, ${size.val} val, ${size.rows * (size.drugs - 1)} train rows`,
  ]
  let at = from
  for (let e = first; e < last; e++) {
    at += history.seconds[e]
    const [loss, valLoss] = [history.loss[e].toPrecision(6), history.val_loss[e].toPrecision(6)]
    lines.push(
      `${stamp(at)} ${run}: epoch ${e + 1}/${size.epochs} loss ${loss} val_loss ${valLoss} ${history.seconds[e].toFixed(1)} s 29000 samples/s`,
    )
  }
  if (fate !== 'finished') lines.push(`${stamp(to)} ${run} attempt ${attempt}: ${fate}`)
  return lines
}

function writeLogs() {
  const lines = Array.from({ length: size.ranks + 1 }, () => [])
  for (const { life, length } of schedule.lives) {
    const stamp = at => `${clock(new Date(startOf(life) + 1000 * at))}.000`
    lines[0].push(
      `${stamp(0)} leading ${exp.id}: ${runs.length} RUNs`,
      `${stamp(length)} ended: ${life === 0 ? WALLTIME : reason()}`,
    )
  }
  for (const attempt of attempts) lines[attempt.rank].push(...linesOf(attempt))
  for (const [rank, own] of lines.entries())
    writeFileSync(layout.out(exp.path, rank), own.map(line => `${line}\n`).join(''))
}

function reason() {
  const { length } = schedule.failed
  return length > 0 ? `${plural(length, 'RUN')} failed` : 'all RUNs finished'
}

function writeStatus() {
  const failed = schedule.failed.length
  const { length } = schedule.lives[1]
  const status = {
    ...{ exit: failed > 0 ? 5 : 0, reason: reason() },
    ...{ finished: runs.length - failed, failed, notStarted: 0, begun: runs.length },
    started: new Date(startOf(1)).toISOString(),
    ended: new Date(startOf(1) + 1000 * length).toISOString(),
    ...{ strangers: 0, lagP99: 3.1, lagMax: 12.4, ranks: [] },
  }
  writeFileSync(layout.status(exp.path), `${JSON.stringify(status, null, 2)}\n`)
  writeFileSync(layout.jobId(exp.path), `${4201337 + 1}.pbs\n`)
}
