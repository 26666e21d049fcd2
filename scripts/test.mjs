// Everything `npm test` does: install, build (which type-checks), lint, test.
import { setup, run } from './setup.mjs'

setup()
run(process.execPath, [
  'node_modules/prettier/bin/prettier.cjs',
  '--check',
  '--log-level=warn',
  '.',
])
run(process.execPath, ['node_modules/eslint/bin/eslint.js', '.'])
const tap = 'node_modules/tap/dist/esm/run.mjs'
// a runner that finds other plugins than it was built with goes on with the arguments of the old ones
run(process.execPath, [tap, 'build'])
run(process.execPath, [tap, ...process.argv.slice(2)])
