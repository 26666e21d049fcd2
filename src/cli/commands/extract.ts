import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  metric: string | undefined
  json: boolean | undefined
}

export const extract: CommandModule<object, Args> = {
  command: 'extract <exp> [metric]',
  describe: 'a score of every RUN; writes EXP/scores.csv',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .positional('metric', { type: 'string', describe: 'mse, rmse, pcc, scc, r2' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 extract out/EXP001 pcc', ''),
  handler: async ({ exp: name, metric = 'mse', json }) => {
    const { extractScores, scoreLine } = await import('../../analysis/extract.js')
    const { openNamed } = await import('../open-named.js')
    const { print, printJson } = await import('../print.js')
    const { writeReport } = await import('../../analysis/report-file.js')
    const { scoresFile } = await import('../../experiment/layout.js')
    const exp = openNamed(name)
    const { rows, gaps } = extractScores(exp, metric)
    if (json) printJson({ metric, rows, gaps })
    else print(rows.map(scoreLine))
    for (const gap of gaps) console.error(`no score: ${gap}`)
    writeReport(scoresFile(exp.path), rows.map(r => `${scoreLine(r)}\n`).join(''))
  },
}
