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
  'src/engine': ['src/base', 'src/experiment', 'src/stage'],
  'src/sites': ['src/base', 'src/experiment'],
  'src/analysis': ['src/base', 'src/experiment', 'src/table'],
  'src/cli': ['src/', 'workflows/hed'],
  'workflows/hed': ['src/base', 'src/experiment', 'src/table', 'src/train'],
}

/** One door a package. */
const DOORS: Readonly<Record<string, RegExp>> = {
  zeromq: /^src\/engine\/(socket|gate)\.ts$/,
  'apache-arrow': /^src\/table\//,
  'parquet-wasm': /^src\/table\//,
  'parquetjs-lite': /^src\/table\//,
  koffi: /^src\/train\/backends\/blas-library\.ts$/,
  'onnxruntime-node': /^src\/train\/backends\//,
  h5wasm: /^src\/train\/h5\.ts$/,
  yargs: /^src\/cli\//,
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
  const { dependencies } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const { file, name } of imports) {
    if (name.startsWith('.') || name.startsWith('node:')) continue
    const packageName = name.split('/')[0]!
    t.ok(packageName in dependencies, `${packageName}, which ${file} imports, is a dependency`)
    t.match(file, DOORS[packageName] ?? /^$/, `${packageName} has its door elsewhere`)
  }
  for (const version of Object.values(dependencies)) t.match(version, /^\d/, 'pinned')
})

t.test('a file is one idea: at most 300 lines', async t => {
  for (const file of files) {
    const lines = fs.readFileSync(file, 'utf8').split('\n').length
    if (lines > 300) t.fail(`${file} has ${lines} lines`)
  }
  t.pass('all files counted')
})
