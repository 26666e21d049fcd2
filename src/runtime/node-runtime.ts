import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { HedError } from '../base/errors.js'
import { isObject } from '../base/shape.js'
import { contentsOf } from './contents.js'
import type { Part } from './pack.js'

/** Where an image has what starts a rank: apart from all that a folder may hold. */
const HOME = '.upf-heds'
const MODULES = `${HOME}/lib/node_modules`
export const RUNTIME_NODE = `${HOME}/bin/node`
export const RUNTIME_BIN = `${MODULES}/upf-heds/dist/src/cli/bin.js`

/**
 * What starts a rank: this node, this package as npm would publish it, and the packages it depends on.
 * @param root of this package
 * @throws HedError USAGE where a package it depends on is not installed
 */
export function runtimeParts(root: string): Part[] {
  const node = process.execPath
  requireWhole(node)
  const home = fs.realpathSync(root)
  const { files } = readPackage(home)
  const own = ['package.json', ...files].filter(name => fs.existsSync(join(home, name)))
  const packages = dependencies(home)
  const inside = packages.filter(path => path.startsWith(`${home}/`))
  const parts = new Map<string, string[]>()
  for (const path of packages.filter(p => !inside.includes(p))) {
    const [, folder, name] = /^(.*\/node_modules)\/(.+)$/.exec(path)!
    parts.set(folder!, [...(parts.get(folder!) ?? []), name!])
  }
  const ours = [...own, ...inside.map(path => path.slice(home.length + 1))].sort()
  return [
    { folder: dirname(node), names: [basename(node)], as: RUNTIME_NODE },
    {
      folder: home,
      names: ours,
      without: foreign(home, ours),
      below: `${MODULES}/upf-heds`,
    },
    // beside this package where npm has put them there
    ...[...parts].map(([folder, names]) => ({
      ...{ folder, names: names.sort(), below: MODULES },
      without: foreign(folder, names),
    })),
  ]
}

/** A node that comes with libraries of its own, as that of conda does, is nothing without them. @throws HedError USAGE */
function requireWhole(node: string): void {
  const home = dirname(dirname(node))
  const { sharedObjects = [] } = process.report.getReport() as { sharedObjects?: string[] }
  const library = sharedObjects.find(path => path.startsWith(`${home}/lib/`) && home !== '/usr')
  if (library === undefined) return
  throw new HedError('USAGE', `${node}: needs ${library}, which an image would not have`, {
    hint: 'Use a node of nodejs.org to call upf-heds env create.',
  })
}

/** Folders of binaries for other systems: half of what npm installs, and no rank ever loads them. */
function foreign(folder: string, names: readonly string[]): string[] {
  return contentsOf(folder, [...names]).flatMap(({ path, type }) => {
    const system = /\/(?:bin|build|prebuilds)\/(?:[^/]+\/)*(darwin|linux|win32)$/.exec(path)?.[1]
    return type === 'folder' && system !== undefined && system !== process.platform ? [path] : []
  })
}

/** Folders of all packages that one needs, those inside another left out: they come with it. */
function dependencies(root: string): string[] {
  const found = new Set<string>()
  const look = (from: string) => {
    const { needed, wanted } = readPackage(from)
    for (const name of [...needed, ...wanted]) {
      const path = find(from, name)
      if (path === undefined && wanted.includes(name)) continue
      if (path === undefined)
        throw new HedError('USAGE', `${from}: the package ${name} that it needs is not installed`, {
          hint: 'Install again: npm ci.',
        })
      if (fs.lstatSync(path).isSymbolicLink())
        throw new HedError('USAGE', `${path}: is a link, want a package installed by npm`, {
          hint: 'Install with npm ci: links to elsewhere cannot be packed.',
        })
      if (found.has(path)) continue
      found.add(path)
      look(path)
    }
  }
  look(root)
  const all = [...found]
  return all.filter(path => !all.some(other => path.startsWith(`${other}/`)))
}

/** As Node looks for it: in the folders `node_modules` on the way up. */
function find(from: string, name: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const path = join(at, 'node_modules', name)
    if (basename(at) !== 'node_modules' && fs.existsSync(join(path, 'package.json'))) return path
    if (dirname(at) === at) return undefined
  }
}

function readPackage(folder: string): {
  readonly files: readonly string[]
  readonly needed: readonly string[]
  readonly wanted: readonly string[]
} {
  const value: unknown = JSON.parse(fs.readFileSync(join(folder, 'package.json'), 'utf8'))
  const field = (name: string) => (isObject(value) ? value[name] : undefined)
  const keys = (name: string) => {
    const found = field(name)
    return isObject(found) ? Object.keys(found) : []
  }
  const files = field('files')
  const wanted = [...keys('optionalDependencies'), ...keys('peerDependencies')]
  return {
    files: Array.isArray(files) ? files.map(String) : [],
    needed: keys('dependencies').filter(name => !wanted.includes(name)),
    wanted,
  }
}
