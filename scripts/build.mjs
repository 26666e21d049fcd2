// TypeScript to dist/, the WASM kernel beside the code that loads it, and an executable bin.
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

run(process.execPath, ['node_modules/typescript/bin/tsc'])
run(process.execPath, ['scripts/build-kernel.mjs', 'dist/src/train/kernel.wasm'])
chmodSync(join(root, 'dist/src/cli/bin.js'), 0o755)
