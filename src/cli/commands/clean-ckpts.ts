import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  keep: string
  'dry-run': boolean | undefined
  json: boolean | undefined
}

export const cleanCkpts: CommandModule<object, Args> = {
  command: 'clean-ckpts <exp> <keep>',
  aliases: ['clean_ckpts'],
  describe: 'remove old models, never what best or last name',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .positional('keep', {
        type: 'string',
        demandOption: true,
        describe: 'how many of the newest epochs of a RUN stay; 0: best and last alone',
      })
      .option('dry-run', { type: 'boolean', describe: 'show what would go, remove nothing' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 clean-ckpts out/EXP001 1 --dry-run', ''),
  handler: async ({ exp: name, keep, 'dry-run': dryRun = false, json }) => {
    const { cleanCheckpoints, cleanedLine } = await import('../clean-ckpts.js')
    const { sizeText } = await import('../../base/size.js')
    const { openForReading } = await import('../open-named.js')
    const { count } = await import('../count.js')
    const { print, printJson } = await import('../print.js')
    const { path } = openForReading(name)
    const all = []
    for await (const one of cleanCheckpoints(path, count(keep, 'KEEP', 0), dryRun)) {
      all.push(one)
      if (!json) print([cleanedLine(one, dryRun)])
    }
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0)
    if (json) printJson({ dryRun, bytes, runs: all })
    else print([`${sizeText(bytes)} ${dryRun ? 'would be free' : 'are free'}`])
  },
}
