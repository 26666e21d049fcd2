// Script and style of report.html, with the parts of Observable Plot that it uses, into one file each.
// Usage: build-page.mjs DIRECTORY
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const [out = 'dist/src/analysis/report'] = process.argv.slice(2)
const script = join(out, 'client.js')
const shared = { bundle: true, minify: true, target: 'es2022', logLevel: 'warning' }
const { metafile } = await build({
  ...shared,
  entryPoints: ['report/main.ts'],
  outfile: script,
  format: 'iife',
  metafile: true,
})
await build({ ...shared, entryPoints: ['report/style.css'], outfile: join(out, 'client.css') })

const inside = Object.entries(Object.values(metafile.outputs)[0].inputs)
  .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  .flatMap(([path]) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
writeFileSync(script, `/*\n${notices([...new Set(inside)])}\n*/\n${readFileSync(script, 'utf8')}`)

/** Their licences want to be in every copy: each text once, after the names that have it. */
function notices(packages) {
  const names = new Map()
  for (const name of packages.sort()) {
    const folder = join('node_modules', name)
    const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
    if (file === undefined) throw new Error(`${folder} has no licence file`)
    const text = readFileSync(join(folder, file), 'utf8').trim().replaceAll('*/', '* /')
    names.set(text, [...(names.get(text) ?? []), name])
  }
  return [...names].map(([text, all]) => `${all.join(', ')}\n\n${text}`).join('\n\n')
}
