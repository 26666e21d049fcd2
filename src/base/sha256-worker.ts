import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { Sha256Request } from './sha256-thread.js'

const hash = createHash('sha256')
const bytes = Buffer.from(workerData as SharedArrayBuffer)

parentPort?.on('message', (request: Sha256Request) => {
  if (request === 'end') {
    parentPort?.postMessage(hash.digest('hex'))
    parentPort?.close()
    return
  }
  hash.update(bytes.subarray(request.at, request.at + request.length))
  parentPort?.postMessage('')
})
