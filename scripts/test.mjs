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
run(process.execPath, ['node_modules/tap/dist/esm/run.mjs', ...process.argv.slice(2)])
