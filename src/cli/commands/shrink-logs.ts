import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  json: boolean | undefined
}

export const shrinkLogs: CommandModule<object, Args> = {
  command: 'shrink-logs <exp>',
  aliases: ['shrink_logs'],
  describe: 'thin the training lines of logs; writes EXP/out/summary-*.txt',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .epilogue('Logs stay as they are; a summary that is newer than its log is not made again.')
      .example('$0 shrink-logs out/EXP001', ''),
  handler: async ({ exp: name, json }) => {
    const { shrinkLogs: shrink, shrunkLine } = await import('../../analysis/shrink-logs.js')
    const { isWritable, tellReadOnly } = await import('../../analysis/report-file.js')
    const { outDirectory } = await import('../../experiment/layout.js')
    const { openForReading } = await import('../open-named.js')
    const { print, printJson } = await import('../print.js')
    const { path } = openForReading(name)
    const folder = outDirectory(path)
    const canWrite = isWritable(folder)
    const all = []
    for await (const one of shrink(path, canWrite ? folder : undefined)) {
      all.push(one)
      if (!json) print([shrunkLine(one, canWrite)])
    }
    if (json) printJson(all)
    if (!canWrite) tellReadOnly(`${folder}/summary-*.txt`)
  },
}
