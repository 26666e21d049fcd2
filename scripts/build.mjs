// TypeScript to dist/, the WASM kernel, the script of report.html and the Python of the backend torch beside the code that
// loads them, and an executable bin.
import { chmodSync, cpSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

run(process.execPath, ['node_modules/typescript/bin/tsc'])
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'report'])
run(process.execPath, ['scripts/build-page.mjs'])
run(process.execPath, ['scripts/build-kernel.mjs', 'dist/src/train/kernel.wasm'])
const python = 'src/train/backends/torch'
cpSync(join(root, python), join(root, 'dist', python), { recursive: true })
chmodSync(join(root, 'dist/src/cli/bin.js'), 0o755)
