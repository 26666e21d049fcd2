import { mkdir, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, dirname, join } from 'node:path'
import type { LiveStatus } from '../experiment/live-status.js'
import { privateDirectory } from '../stage/node-local.js'

/** Of a socket's path, `sun_path` without its end. What is longer would be cut without a word. */
const MAX_PATH_BYTES = 107

/** The EXP's id would be too long in a deep TMP_ROOT, its tail is enough. */
export function statusPath(tmpRoot: string, exp: string, epoch: number): string {
  return join(tmpRoot, 'status', `${exp.slice(-12)}-${epoch}`)
}

/**
 * Tells whoever asks, on this host and as this user, how the sweep stands: one JSON text a connection.
 * It costs the leader nothing as long as nobody asks. Without it (a full disk, a path too long) the sweep goes on.
 */
export async function serveStatus(
  path: string,
  status: () => LiveStatus,
): Promise<{ readonly path: string; close(): void }> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.end(JSON.stringify(status()))
  })
  server.on('error', () => undefined)
  server.unref()
  const none = { path: '', close: () => undefined }
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return none
  try {
    await privateDirectory(dirname(dirname(path)))
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await removeStale(path)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ path }, resolve)
    })
  } catch {
    return none
  }
  return { path, close: () => server.close() }
}

/** Sockets of earlier leaders of the same EXP, which were killed: nobody answers there. */
async function removeStale(path: string): Promise<void> {
  const prefix = basename(path).replace(/\d+$/, '')
  for (const name of await readdir(dirname(path)))
    if (name.startsWith(prefix)) await rm(join(dirname(path), name), { force: true })
}
