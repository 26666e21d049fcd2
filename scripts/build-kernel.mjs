// Compile the AssemblyScript kernel. Usage: build-kernel.mjs OUT.wasm
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import asc from 'assemblyscript/asc'

const [out = 'dist/src/train/kernel.wasm'] = process.argv.slice(2)
mkdirSync(dirname(out), { recursive: true })
const { error, stderr } = await asc.main([
  'src/train/kernel/index.ts',
  ...['--outFile', out, '-O3', '--noAssert', '--runtime', 'stub', '--importMemory'],
  ...['--enable', 'simd'],
])
if (error) {
  console.error(stderr.toString())
  throw error
}
