import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  min: string | undefined
  json: boolean | undefined
}

export const epochs: CommandModule<object, Args> = {
  command: 'epochs <exp> [min]',
  describe: 'epochs of every RUN; writes EXP/epochs.txt',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .positional('min', { type: 'string', describe: 'only RUNs with at least this many (0)' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 epochs out/EXP001 1', ''),
  handler: async ({ exp: name, min, json }) => {
    const { epochLines, epochRows } = await import('../../analysis/epochs.js')
    const { openForReading } = await import('../open-named.js')
    const { count } = await import('../count.js')
    const { print, printJson } = await import('../print.js')
    const { writeReport } = await import('../../analysis/report-file.js')
    const { epochsFile } = await import('../../experiment/layout.js')
    const least = min === undefined ? 0 : count(min, 'MIN', 0)
    const exp = openForReading(name)
    const rows = epochRows(exp, least)
    if (json) printJson(rows)
    else print(epochLines(rows))
    writeReport(epochsFile(exp.path), `${epochLines(rows).join('\n')}\n`)
  },
}
