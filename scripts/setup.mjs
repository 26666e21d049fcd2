// Install what package-lock.json asks for and build, each only if it is not done yet.
// Plain JavaScript: nothing is installed when it starts.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Run a program in the project root with its output shown; end with its status if it fails. */
export function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

export function setup() {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 20) {
    console.error(`upf-heds: this is Node ${process.versions.node}, want 20 or newer`)
    process.exit(2)
  }
  const locked = digest(['package-lock.json', 'package.json'])
  const installed = join(root, 'node_modules', '.setup')
  if (read(installed) !== locked) {
    console.log('installing packages …')
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
    writeFileSync(installed, locked)
  }
  const sources = digest([
    'tsconfig.json',
    'scripts/build-kernel.mjs',
    'scripts/build-page.mjs',
    'report/tsconfig.json',
    ...tree('report'),
    ...tree('src'),
    ...tree('workflows'),
    ...tree('test'),
  ])
  const built = join(root, 'dist', '.built')
  if (read(built) !== sources) {
    console.log('building …')
    run(process.execPath, ['scripts/build.mjs'])
    writeFileSync(built, sources)
  }
}

function digest(files) {
  const hash = createHash('sha256')
  for (const file of files) {
    const path = join(root, file)
    if (existsSync(path)) hash.update(file).update(readFileSync(path))
  }
  return hash.digest('hex')
}

function tree(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .map(name => join(folder, name.toString()))
    .filter(name => /\.(ts|py|css)$/.test(name) && statSync(join(root, name)).isFile())
    .sort()
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) setup()
