import { existsSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../base/errors.js'

/**
 * Do something that one process of this node shall do at a time: the others wait, and then find it done perhaps.
 * A process that dies gives its turn back. In a rare race two do it at once: the work must bear that.
 *
 * @param path of the socket that says whose turn it is, in a directory of this user alone
 */
export async function oneAtATime<T>(path: string, work: () => Promise<T>): Promise<T> {
  const folder = await open(dirname(path))
  // a path may be longer than that of a socket may be; systems without /proc have no other name for it
  const here = `/proc/self/fd/${folder.fd}`
  const name = existsSync(here) ? `${here}/${basename(path)}` : path
  try {
    for (;;) {
      const giveBack = await listen(name)
      if (giveBack) return await work().finally(giveBack)
      if (!(await waitFor(name)) && !(await waitFor(name, BETWEEN_MS)))
        await rm(path, { force: true })
      await sleep(20 * Math.random()) // all who wait hear of the end at once
    }
  } finally {
    await folder.close()
  }
}

/** @returns what gives the turn back; undefined where somebody has been there, and perhaps still is */
function listen(path: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<Socket>()
    const server = createServer(socket => {
      waiting.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => waiting.delete(socket))
    })
    server.once('error', error => {
      if (codeOf(error) === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(path, () =>
      resolve(() => {
        server.close()
        for (const socket of waiting) socket.destroy()
      }),
    )
  })
}

/** Whose turn has just begun may not be heard at once. */
const BETWEEN_MS = 100

/** Until it is somebody else's turn no more. @returns false where nobody was there */
async function waitFor(path: string, delay = 0): Promise<boolean> {
  await sleep(delay)
  return new Promise(resolve => {
    let isThere = false
    const socket = connect(path, () => {
      isThere = true
      socket.resume()
    })
    socket.on('error', error => {
      if (codeOf(error) !== 'ECONNREFUSED') isThere = true // it has just ended
    })
    socket.on('close', () => resolve(isThere))
  })
}
