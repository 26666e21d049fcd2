// Mutation checks: take one safeguard out of the code, and the tests named beside it must fail.
//
//     node scripts/mutate.mjs                 all of scripts/mutations.mjs
//     node scripts/mutate.mjs --list          their names and reasons
//     node scripts/mutate.mjs --only NAME     one, or several with several --only
//
// Works on copies of the project as it was last built (`npm run build`); the project itself is not touched.
import { spawn } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { mutations } from './mutations.mjs'
import { root } from './setup.mjs'

/** Copies, each with a test of its own at a time. */
const LANES = 2
/** A test that takes longer hangs, which counts as failing. */
const LIMIT_MS = 90_000

const compilerOptions = ts.parseConfigFileTextToJson(
  'tsconfig.json',
  readFileSync(join(root, 'tsconfig.json'), 'utf8'),
).config.compilerOptions
const settings = {
  ...ts.convertCompilerOptionsFromJson(compilerOptions, root).options,
  module: ts.ModuleKind.ESNext, // a file by itself does not see that package.json says so
}

process.exitCode = await main(process.argv.slice(2))

/** @returns the exit status: 1 if any mutation survives or cannot be made */
async function main(args) {
  const chosen = choose(args)
  if (chosen === undefined) return 2
  if (args.includes('--list')) {
    for (const { name, why } of chosen) console.log(`${name.padEnd(28)} ${why}`)
    return 0
  }
  const scratch = mkdtempSync(join(tmpdir(), 'upf-heds-mutate-'))
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))
  const lanes = Array.from({ length: LANES }, (_, n) => copyProject(join(scratch, String(n))))
  const files = new Set(chosen.flatMap(m => edits(m).map(e => e.file)))
  for (const lane of lanes) for (const file of files) place(lane, file, source(file))

  // those that wait long come first, so that no lane waits for the other
  const tests = [...new Set(chosen.flatMap(m => m.tests))]
  const work = [...tests, ...chosen].sort((a, b) => waits(b) - waits(a))
  const results = await inLanes(lanes, work, (lane, item) =>
    typeof item === 'string' ? runTest(lane, item) : tryOne(lane, item),
  )
  const bad = results.filter(result => result.failed)
  for (const { test, how } of bad) console.log(`FAILS unmutated: ${test}: ${how}`)
  const count = verdict => results.filter(r => r === verdict).length
  console.log(
    `${count('killed')} killed, ${count('SURVIVED')} survived, ${count('BROKEN')} cannot be made`,
  )
  return bad.length === 0 && count('killed') === chosen.length ? 0 : 1
}

/** Does a test wait long for real processes or disks, or does one that a mutation is tried by? */
function waits(item) {
  const tests = typeof item === 'string' ? [item] : item.tests
  return tests.some(test => /e2e|journal-sync/.test(test)) ? 1 : 0
}

/** @returns the mutations that the arguments name, undefined if they name none */
function choose(args) {
  const wanted = args.flatMap((arg, n) => (args[n - 1] === '--only' ? [arg] : []))
  const unknown = [
    ...wanted.filter(name => !mutations.some(m => m.name === name)),
    ...args.filter((arg, n) => !['--list', '--only'].includes(arg) && args[n - 1] !== '--only'),
    ...(args.at(-1) === '--only' ? ['--only without a name'] : []),
  ]
  if (unknown.length > 0) {
    console.error(`mutate: ${unknown.join(', ')}: not known; --list shows the names`)
    return undefined
  }
  return wanted.length > 0 ? mutations.filter(m => wanted.includes(m.name)) : mutations
}

/** The places that a mutation changes: one, or more where a safeguard is there twice. */
function edits(mutation) {
  return [mutation, ...(mutation.also ?? [])]
}

/** Make one mutation in a copy, run its tests, and put the files back. */
async function tryOne(lane, mutation) {
  const say = (verdict, text) => {
    console.log(`${verdict.padEnd(8)} ${mutation.name}: ${text}`)
    return verdict
  }
  const mutated = new Map()
  for (const { file, find, replace } of edits(mutation)) {
    const before = mutated.get(file) ?? source(file)
    const times = before.split(find).length - 1
    if (times !== 1)
      return say('BROKEN', `${JSON.stringify(find)} occurs ${times} times in ${file}, want 1`)
    mutated.set(file, before.split(find).join(replace))
  }
  try {
    for (const [file, text] of mutated) place(lane, file, text)
  } catch (error) {
    for (const file of mutated.keys()) place(lane, file, source(file))
    return say('BROKEN', error.message)
  }
  const results = []
  for (const test of mutation.tests) results.push(await runTest(lane, test))
  for (const file of mutated.keys()) place(lane, file, source(file))
  const passed = results.filter(r => !r.failed).map(r => r.test)
  return passed.length > 0
    ? say('SURVIVED', `${passed.join(', ')} did not see it: ${mutation.why}`)
    : say('killed', `by ${results[0].how}`)
}

function source(file) {
  return readFileSync(join(root, file), 'utf8')
}

function copyProject(lane) {
  const left = name => name === 'node_modules' || name.startsWith('.')
  for (const name of readdirSync(root).filter(name => !left(name)))
    cpSync(join(root, name), join(lane, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(lane, 'node_modules'), 'dir')
  return lane
}

/** Put TypeScript, compiled, in the place of what was built from `file`. */
function place(lane, file, text) {
  const { outputText, diagnostics } = ts.transpileModule(text, {
    compilerOptions: settings,
    fileName: join(root, file),
    reportDiagnostics: true,
  })
  if (diagnostics.length > 0)
    throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(diagnostics[0].messageText, ' ')}`)
  writeFileSync(join(lane, 'dist', file.replace(/\.ts$/, '.js')), outputText)
}

/**
 * @param test a file, and /the names/ of those in it that are run: all without
 * @returns {Promise<{ test: string, failed: boolean, how: string }>}
 */
function runTest(lane, test) {
  return new Promise(resolve => {
    const [file, names] = test.split(' ')
    const which = names === undefined ? {} : { TAP_GREP: names }
    const child = spawn(process.execPath, [join('dist', file.replace(/\.ts$/, '.js'))], {
      cwd: lane,
      env: { ...process.env, TAP_BAIL: '1', ...which },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text))
    child.on('close', (code, signal) => {
      const first = /^ *not ok \d+ - (.*?)(?: # time.*)?$/m.exec(output)?.[1]
      const last = output.trim().split('\n').at(-1)
      const how = signal ? `a hang (${LIMIT_MS / 1000} s)` : `"${first ?? last}"`
      resolve({ test, failed: code !== 0, how })
    })
  })
}

/** Do `work` for each item, one at a time in each lane. @returns the results in the order of the items */
async function inLanes(lanes, items, work) {
  const results = []
  let next = 0
  const lane = async copy => {
    while (next < items.length) {
      const n = next++
      results[n] = await work(copy, items[n])
    }
  }
  await Promise.all(lanes.map(lane))
  return results
}
