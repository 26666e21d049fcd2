import * as fs from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

/** Who may import whom. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  'src/experiment': ['src/base'],
  'src/table': ['src/base'],
  'src/train': ['src/base'],
  'src/stage': ['src/base'],
  'src/runtime': ['src/base', 'src/experiment', 'src/stage'],
  'src/engine': ['src/base', 'src/experiment', 'src/stage'],
  'src/sites': ['src/base', 'src/experiment'],
  'src/analysis': ['src/base', 'src/experiment', 'src/table'],
  'src/cli': ['src/', 'workflows/hed'],
  'workflows/hed': ['src/base', 'src/experiment', 'src/table', 'src/train'],
}

/** One door a package. */
const DOORS: Readonly<Record<string, RegExp>> = {
  zeromq: /^src\/engine\/socket\.ts$/,
  'apache-arrow': /^src\/table\//,
  'parquet-wasm': /^src\/table\//,
  'parquetjs-lite': /^src\/table\//,
  koffi: /^src\/train\/backends\/blas-library\.ts$/,
  '@tensorflow/tfjs-core': /^src\/train\/backends\/tfjs-load\.ts$/,
  'onnxruntime-node': /^src\/train\/backends\//,
  h5wasm: /^src\/train\/h5\.ts$/,
  yargs: /^src\/cli\//,
  'string-width': /^src\/cli\/print\.ts$/,
}

const files = ['src', 'workflows'].flatMap(folder =>
  fs
    .readdirSync(folder, { recursive: true })
    .map(name => join(folder, name.toString()))
    .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.includes('/kernel/')),
)

const imports = files.flatMap(file =>
  [...fs.readFileSync(file, 'utf8').matchAll(/(?:^import |\bfrom |import\()'([^'\n]+)'/gm)].map(
    ([, name]) => ({
      file,
      name: name!,
    }),
  ),
)

t.ok(files.length > 80 && imports.length > 200, 'the sources are read')

t.test('folders import only what they may', async t => {
  for (const { file, name } of imports) {
    if (!name.startsWith('.')) continue
    const target = normalize(join(dirname(file), name))
    const home = Object.keys(MAY).find(folder => file.startsWith(`${folder}/`))
    if (home === undefined) t.fail(`${file} lies in no folder of the house`)
    else if (
      !target.startsWith(`${home}/`) &&
      !MAY[home]!.some(folder => target.startsWith(folder))
    )
      t.fail(`${file} imports ${target}`)
  }
  t.pass('all imports looked at')
})

t.test('each package has one door, and is in package.json', async t => {
  const { dependencies, devDependencies } = JSON.parse(
    fs.readFileSync('package.json', 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>
  for (const { file, name } of imports) {
    if (name.startsWith('.') || name.startsWith('node:')) continue
    const packageName = /^(@[^/]+\/)?[^/]+/.exec(name)![0]
    const typesAlone = packageName in devDependencies
    if (typesAlone) t.match(fs.readFileSync(file, 'utf8'), `import type * as tfjs from '${name}'`)
    else t.ok(packageName in dependencies, `${packageName}, which ${file} imports, is a dependency`)
    t.match(file, DOORS[packageName] ?? /^$/, `${packageName} has its door elsewhere`)
  }
  for (const version of Object.values(dependencies)) t.match(version, /^\d/, 'pinned')
})

t.test('the page of the report has types of the analysis alone, and one package', async t => {
  const page = fs.readdirSync('report').filter(name => name.endsWith('.ts'))
  t.ok(page.length > 10, 'its sources are read')
  for (const name of page) {
    const text = fs.readFileSync(join('report', name), 'utf8')
    for (const [, what, from] of text.matchAll(/^import ([^']+) from '([^']+)'/gm)) {
      const isOurs = from!.startsWith('./') || from === '@observablehq/plot'
      const isType = what!.startsWith('type ') && from!.startsWith('../src/analysis/')
      t.ok(isOurs || isType || from === '../src/base/duration.js', `${name} imports ${from!}`)
    }
    t.ok(text.split('\n').length <= 300, `${name} is one idea`)
  }
})

t.test('no install brings the optional peers', async t => {
  const read = (file: string) =>
    JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, Record<string, object>>
  const { peerDependencies, peerDependenciesMeta } = read('package.json')
  const { packages } = read('package-lock.json')
  for (const name of Object.keys(peerDependencies!)) {
    t.same(peerDependenciesMeta![name], { optional: true }, name)
    t.notOk(`node_modules/${name}` in packages!, `${name} is not in the lock`)
  }
})

t.test('a file is one idea: at most 300 lines', async t => {
  for (const file of files) {
    const lines = fs.readFileSync(file, 'utf8').split('\n').length
    if (lines > 300) t.fail(`${file} has ${lines} lines`)
  }
  t.pass('all files counted')
})
