import type { Argv, CommandModule } from 'yargs'
import { setStatus } from '../status.js'
import { group } from './group.js'

interface Common {
  'env-dir': string | undefined
  site: string | undefined
  json: boolean | undefined
}

/** Where the images are: as a sweep of that site takes them. */
function addCommon<T>(y: Argv<T>): Argv<T & Common> {
  return y
    .option('env-dir', { type: 'string', describe: 'folder of images (UPF_HEDS_ENV_DIR)' })
    .option('site', { type: 'string', describe: 'site or site file that tells ENV_DIR' })
    .option('json', { type: 'boolean', describe: 'print JSON' })
}

const create: CommandModule<
  object,
  Common & {
    folder: string | undefined
    runtime: boolean | undefined
    name: string | undefined
    latest: boolean | undefined
  }
> = {
  command: 'create [folder]',
  describe: 'pack this runtime, or FOLDER as it is, into one image',
  builder: y =>
    addCommon(y)
      .positional('folder', { type: 'string', describe: 'such as a conda tree' })
      .option('runtime', { type: 'boolean', describe: 'with FOLDER: node and this package too' })
      .option('name', { type: 'string', describe: 'name for good; it is never moved' })
      .option('latest', { type: 'boolean', describe: 'move the name latest to it' })
      .example('$0 env create --name 2026-1 --latest', '')
      .example('$0 env create ~/conda/torch --runtime --name torch-2.13', ''),
  handler: async ({ folder, runtime = false, name, latest = false, ...common }) => {
    const { createEnv } = await import('../env.js')
    await createEnv({ folder, runtime, name, latest }, common)
  },
}

const list: CommandModule<object, Common> = {
  command: 'list',
  describe: 'names, digests, sizes, and which EXPs use them',
  builder: y => addCommon(y).example('$0 env list', ''),
  handler: async common => {
    const { listEnvs } = await import('../env.js')
    listEnvs(common)
  },
}

const use: CommandModule<object, Common & { name: string }> = {
  command: 'use <name>',
  describe: 'print what makes a shell use an image for its sweeps; none: no image',
  builder: y =>
    addCommon(y)
      .positional('name', { type: 'string', demandOption: true, describe: 'name or sha256:DIGEST' })
      .example('eval "$($0 env use 2026-1)"', ''),
  handler: async ({ name, ...common }) => {
    const { useEnv } = await import('../env.js')
    useEnv(name, common)
  },
}

const verify: CommandModule<object, Common & { name: string }> = {
  command: 'verify <name>',
  describe: 'read an image again: is it what its digest says? Exit 3 if not',
  builder: y =>
    addCommon(y)
      .positional('name', { type: 'string', demandOption: true, describe: 'name or sha256:DIGEST' })
      .example('$0 env verify 2026-1', ''),
  handler: async ({ name, ...common }) => {
    const { verifyEnv } = await import('../env.js')
    setStatus(await verifyEnv(name, common))
  },
}

const gc: CommandModule<
  object,
  Common & {
    'keep-days': number | undefined
    release: string[] | undefined
    'dry-run': boolean | undefined
  }
> = {
  command: 'gc',
  describe: 'remove old images that no EXP needs and that have no name',
  builder: y =>
    addCommon(y)
      .option('keep-days', { type: 'number', describe: 'those made since then stay (30)' })
      .option('release', { type: 'string', array: true, describe: 'give up these names' })
      .option('dry-run', { type: 'boolean', describe: 'tell, remove nothing' })
      .example('$0 env gc --keep-days 90 --dry-run', '')
      .example('$0 env gc --release 2024-1', ''),
  handler: async ({ 'keep-days': keepDays = 30, release = [], 'dry-run': dryRun, ...common }) => {
    const { collectEnvs } = await import('../env.js')
    collectEnvs({ keepDays, release, dryRun: dryRun ?? false }, common)
  },
}

const unpack: CommandModule<
  object,
  { image: string; tmp: string; copy: string | undefined; json: boolean | undefined }
> = {
  command: 'unpack <image> <tmp>',
  describe: 'bring an image onto this node; a job does so on each of its nodes',
  builder: y =>
    y
      .positional('image', { type: 'string', demandOption: true, describe: 'images/DIGEST.tar' })
      .positional('tmp', { type: 'string', demandOption: true, describe: 'TMP_ROOT' })
      .option('copy', { type: 'string', describe: 'read these bytes, a copy that is nearer' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('srun --ntasks-per-node=1 $0 env unpack IMAGE.tar /tmp/me', ''),
  handler: async ({ image, tmp, copy, json = false }) => {
    const { unpackEnv } = await import('../env.js')
    await unpackEnv(image, tmp, copy, json)
  },
}

export const env = group('env', 'runtime images: pack one, see them, clean up', [
  create,
  list,
  use,
  verify,
  gc,
  unpack,
])
