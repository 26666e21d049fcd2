import { HedError, messageOf } from '../base/errors.js'
import { Unreachable } from './meeting.js'
import { privateDirectory } from './node-local.js'
import { joinStaging, type NodeOptions } from './node.js'
import { missingEntries, recordWhole, removeGone } from './record.js'
import { requireRoom } from './room.js'
import { openRoot, type Root } from './root.js'
import { tidyParts } from './tidy.js'

export interface ReceiveOptions {
  readonly destination: string
  readonly verify: boolean
  /** Take away what was staged there and is gone from the paths. */
  readonly remove: boolean
  readonly addresses: readonly string[]
  readonly port: number
  readonly secret: Buffer
  readonly host: string
}

/** What `stage` does on every other node. @returns bytes that came; undefined where another rank of this host does it */
export async function receivePaths(options: ReceiveOptions): Promise<number | undefined> {
  const { destination, verify, remove, addresses, port, secret, host } = options
  const root = await ownRoot(destination)
  const join = async (at: Root, how: NodeOptions) => {
    try {
      return await joinStaging(at, how)
    } catch (error) {
      throw new Unreachable(messageOf(error))
    }
  }
  try {
    const node = await join(root, {
      ...{ addresses, port, secret, name: host },
      examine: async manifest => {
        const missing = await missingEntries(root, manifest, verify)
        await requireRoom(
          destination,
          missing.map(n => manifest.entries[n]!),
        )
        return missing
      },
    })
    const { spare, bytes, manifest, digest } = await node.whole
    if (manifest) {
      await recordWhole(root, manifest, digest)
      if (remove) await removeGone(root, manifest)
    }
    await node.over
    return spare ? undefined : bytes
  } finally {
    await root.close()
  }
}

/** The folder to stage to: of this user alone, made if it is not there. @throws HedError USAGE */
export async function ownRoot(destination: string): Promise<Root> {
  try {
    await privateDirectory(destination)
  } catch (error) {
    if (error instanceof HedError)
      throw new HedError(error.kind, error.message, {
        hint: 'Stage to a folder of its own, on a disk of the node: it is made if it is not there.',
        cause: error,
      })
    throw error
  }
  await tidyParts(destination)
  return openRoot(destination)
}
