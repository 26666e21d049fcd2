import type { CommandModule } from 'yargs'
import { setStatus } from '../status.js'
import { group } from './group.js'

interface InitArgs {
  file: string
  extends: string | undefined
}

const init: CommandModule<object, InitArgs> = {
  command: 'init <file>',
  describe: 'write a site file to start from, each setting with what it is',
  builder: y =>
    y
      .positional('file', { type: 'string', demandOption: true, describe: 'such as lab.json' })
      .option('extends', {
        type: 'string',
        describe: 'slurm, pbs, another known site; without it no scheduler but an MPI launcher',
      })
      .example('$0 site init lab.json', 'hosts without a scheduler')
      .example('$0 site init lab.json --extends slurm', ''),
  handler: async args => {
    const { writeSiteFile } = await import('../site-files.js')
    console.log(writeSiteFile(args.file, args.extends ?? 'local'))
  },
}

const check: CommandModule<object, { file: string }> = {
  command: 'check <file>',
  describe: 'name everything that is wrong with a site file, a line each',
  builder: y =>
    y
      .positional('file', { type: 'string', demandOption: true, describe: 'a site file' })
      .example('$0 site check lab.json', ''),
  handler: async ({ file }) => {
    const { judgeSiteFile } = await import('../site-files.js')
    const { problems, notes, summary } = judgeSiteFile(file)
    for (const { message, hint } of problems)
      console.error(`upf-heds: ${message}${hint === undefined ? '' : ` (${hint})`}`)
    for (const note of notes) console.error(`upf-heds: note: ${note}`)
    if (summary !== undefined) console.log(summary)
    setStatus(problems.length > 0 ? 2 : 0)
  },
}

export const site = group('site', 'write or check a site file', [init, check])
