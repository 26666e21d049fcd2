// Install TensorFlow.js for the backend tfjs:node-gpu (or with --cpu, tfjs:node) into a folder of its own.
// Usage: node scripts/install-tfjs-gpu.mjs DIR [--tensorflow FOLDER] [--cpu]
//   DIR                  what UPF_HEDS_TFJS is to name then
//   --tensorflow FOLDER  link it to this TensorFlow instead of downloading one: the Python package's folder
//                        (python3 -c 'import tensorflow; print(tensorflow.__path__[0])') or an unpacked libtensorflow
// Plain JavaScript: it runs wherever Node and npm are, before anything of ours is built.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const VERSION = '4.22.0'
const HEADERS = 'node-api-headers@1.9.0' // Node's own are not on every machine
const options = { tensorflow: { type: 'string' }, cpu: { type: 'boolean' } }
const { values, positionals } = given()
if (positionals.length !== 1) fail('want one folder: node scripts/install-tfjs-gpu.mjs DIR')

const kind = values.cpu ? 'node' : 'node-gpu'
const name = `@tensorflow/tfjs-${kind}`
const folder = resolve(positionals[0])
const home = join(folder, 'node_modules', name)
const tensorflow = values.tensorflow === undefined ? undefined : resolve(values.tensorflow)
const libraries = tensorflow && librariesOf(tensorflow)

mkdirSync(folder, { recursive: true })
if (!existsSync(join(folder, 'package.json')))
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n') // else npm looks further up
const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
const install = (...args) => run('npm', ['install', '--prefix', folder, ...quiet, ...args])
if (libraries) {
  install('--ignore-scripts', `${name}@${VERSION}`, HEADERS)
  compile(libraries)
} else {
  console.log(`${name}: its install script downloads libtensorflow; see docs/tfjs-gpu.md`)
  install('--ignore-scripts=false', `${name}@${VERSION}`)
}
prove()

function given() {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    return fail(error.message)
  }
}

/** Where the libraries are, and their names: those of the Python package, or of libtensorflow. */
function librariesOf(tensorflow) {
  if (!existsSync(join(tensorflow, 'include', 'tensorflow', 'c', 'c_api.h')))
    fail(
      `${tensorflow} has no include/tensorflow/c/c_api.h, want a TensorFlow of Python or libtensorflow`,
    )
  for (const at of [tensorflow, join(tensorflow, 'lib')]) {
    if (!existsSync(at)) continue
    const names = readdirSync(at)
    const find = pattern => names.filter(each => pattern.test(each)).sort()[0]
    const framework = find(/^libtensorflow_framework\.so/)
    const whole = find(/^libtensorflow_cc\.so/) ?? find(/^libtensorflow\.so/)
    if (framework && whole) return { at, names: [whole, framework] }
  }
  return fail(
    `${tensorflow} has no libtensorflow_cc.so or libtensorflow.so beside a libtensorflow_framework.so`,
  )
}

/** The package's own sources, as its binding.gyp has them, against this TensorFlow. */
function compile({ at, names }) {
  const packages = createRequire(join(home, 'package.json'))
  const addon = packages('@mapbox/node-pre-gyp').find(join(home, 'package.json'))
  mkdirSync(dirname(addon), { recursive: true })
  const include = packages('node-api-headers').include_dir
  console.log(`compiling ${addon} …`)
  run('g++', [
    ...['-shared', '-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8', `-I${home}`],
    ...[`-I${include}`, `-I${join(tensorflow, 'include')}`],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map(each => join(home, 'binding', each)),
    ...['-o', addon, `-L${at}`, ...names.map(each => `-l:${each}`)],
    `-Wl,-rpath,${at}`,
  ])
}

/** Loads it as an executor does, once. */
function prove() {
  const probe = fileURLToPath(new URL('../dist/src/train/backends/tfjs-probe.js', import.meta.url))
  if (existsSync(probe)) {
    const env = { ...process.env, UPF_HEDS_TFJS: folder }
    const { status } = spawnSync(process.execPath, [probe, kind], { env, stdio: 'inherit' })
    if (status !== 0) fail(`tfjs:${kind} is installed in ${folder}, but does not load here`)
  }
  console.log(`installed: set UPF_HEDS_TFJS=${folder} where you start upf-heds`)
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (error) fail(`${program}: ${error.message}`)
  if (status !== 0)
    fail(`${program} ended with status ${status}; other ways are in docs/tfjs-gpu.md`)
}

function fail(message) {
  console.error(`install-tfjs-gpu: ${message}`)
  process.exit(2)
}
