// Compile the AssemblyScript kernel: OUT.wasm, and OUT-shared.wasm for memory that threads share.
// Usage: build-kernel.mjs OUT.wasm
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import asc from 'assemblyscript/asc'

const [out = 'dist/src/train/kernel.wasm'] = process.argv.slice(2)
mkdirSync(dirname(out), { recursive: true })
await compile(out, [])
await compile(out.replace(/\.wasm$/, '-shared.wasm'), [
  ...['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'],
])

async function compile(file, more) {
  const { error, stderr } = await asc.main([
    'src/train/kernel/index.ts',
    ...['--outFile', file, '-O3', '--noAssert', '--runtime', 'stub', '--importMemory'],
    ...['--enable', 'simd', '--enable', 'bulk-memory', ...more],
  ])
  if (!error) return
  console.error(stderr.toString())
  throw error
}
