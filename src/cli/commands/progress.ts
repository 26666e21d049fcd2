import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  json: boolean | undefined
}

export const progress: CommandModule<object, Args> = {
  command: 'progress <exp>',
  describe: 'how far an experiment is; writes EXP/progress.txt',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 progress out/EXP001', ''),
  handler: async ({ exp: name, json }) => {
    const { progressLines, progressOf } = await import('../../analysis/progress.js')
    const { openNamed } = await import('../open-named.js')
    const { print, printJson, table } = await import('../print.js')
    const { writeReport } = await import('../../analysis/report-file.js')
    const { progressFile } = await import('../../experiment/layout.js')
    const exp = openNamed(name)
    const found = progressOf(exp)
    const lines = table(progressLines(found))
    if (json) printJson(found)
    else print(lines)
    writeReport(progressFile(exp.path), `${lines.join('\n')}\n`)
  },
}
