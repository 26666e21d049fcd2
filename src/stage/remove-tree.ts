import { chmod, readdir, rm } from 'node:fs/promises'
import { codeOf } from '../base/errors.js'

/** Remove a tree, folders that may not be written too. Links are not followed; what is not there is no error. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOTEMPTY'].includes(codeOf(error) ?? '')) throw error
    await open(path)
    await rm(path, { recursive: true, force: true })
  }
}

async function open(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' }))
    if (entry.isDirectory()) await open(`${folder}/${entry.name.toString('latin1')}`)
}
