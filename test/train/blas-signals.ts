import { setImmediate as turn } from 'node:timers/promises'
import { addressOf, openLibrary } from '../../src/train/backends/blas-library.js'

/** A program that multiplies for SECONDS and counts signals; ends with 1 if a product was not the first one's. */
const [rows, width] = [256, 1000]
const gemm = openLibrary('onednn').gemm()
const buffer = new SharedArrayBuffer(4 * (2 * rows + width) * width)
const floats = new Float32Array(buffer)
for (let i = 0; i < floats.length; i++) floats[i] = ((i * 7) % 13) - 6
const [a, b, c] = [0, rows * width, (rows + width) * width]
const product = floats.subarray(c)
const multiply = () => {
  product.fill(0)
  const at = (first: number) => addressOf(buffer) + 4 * first
  gemm(false, false, rows, width, width, 1, at(a), width, at(b), width, 0, at(c), width)
}
multiply()
const first = product.slice()
let signals = 0
process.on('SIGUSR2', () => signals++)
process.send!('ready')
const end = Date.now() + 1000 * Number(process.argv[2])
while (Date.now() < end) {
  multiply()
  if (product.some((value, i) => value !== first[i])) process.exit(1)
  await turn()
}
process.send!(signals, () => process.exit())
