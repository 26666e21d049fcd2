// npm run -s bench -- NAME [options]: one benchmark of scripts/bench/, which ends with one line of JSON.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, setup } from './setup.mjs'

const [name, ...rest] = process.argv.slice(2)
const folder = join(root, 'scripts', 'bench')
if (!name || !existsSync(join(folder, `${name}.mjs`))) {
  const names = readdirSync(folder).flatMap(file =>
    file.endsWith('.mjs') ? [file.slice(0, -4)] : [],
  )
  console.error(`usage: npm run -s bench -- NAME; there are: ${names.join(', ')}`)
  process.exit(2)
}
setup()
run(process.execPath, [join(folder, `${name}.mjs`), ...rest])
