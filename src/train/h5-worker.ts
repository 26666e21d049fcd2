import * as fs from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { crc32 } from '../base/digest.js'
import { messageOf } from '../base/errors.js'
import { buffers, type StoreReply, type StoreRequest } from './model-store.js'

// HDF5 stamps the clock into every object: in this thread it stands still, so equal states give equal bytes
Date.now = () => 0

parentPort?.on('message', (request: StoreRequest) => {
  const reply = (message: StoreReply, transfer: ArrayBuffer[] = []) =>
    parentPort?.postMessage(message, transfer)
  perform(request, reply).catch((error: unknown) => reply({ error: messageOf(error) }))
})

async function perform(
  request: StoreRequest,
  reply: (message: StoreReply, transfer?: ArrayBuffer[]) => void,
): Promise<void> {
  const { readModel, writeModel } = await import('./h5.js')
  const { path } = request
  switch (request.op) {
    case 'write':
      await writeModel(path, request.model, request.withMoments)
      reply({ value: syncAndSum(path) })
      return
    case 'read': {
      if (request.crc32 !== undefined && sumOf(path) !== request.crc32)
        throw new Error('its checksum is wrong')
      const state = await readModel(path, request.spec, request.optimiser)
      reply({ value: state }, buffers(state))
    }
  }
}

/** Bytes summed at a time: more would only cost memory. */
const PIECE = 1 << 20

function sumOf(path: string): number {
  const fd = fs.openSync(path, 'r')
  try {
    return sum(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function syncAndSum(path: string): number {
  const fd = fs.openSync(path, 'r+')
  try {
    fs.fsyncSync(fd)
    return sum(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function sum(fd: number): number {
  const piece = Buffer.alloc(PIECE)
  let crc = 0
  for (;;) {
    const length = fs.readSync(fd, piece)
    if (length === 0) return crc
    crc = crc32(piece.subarray(0, length), crc)
  }
}
