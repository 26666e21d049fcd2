import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  metric: string | undefined
  runs: boolean | undefined
  json: boolean | undefined
}

export const extract: CommandModule<object, Args> = {
  command: 'extract <exp> [metric]',
  describe: 'a score of every RUN; writes EXP/scores.csv',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .positional('metric', { type: 'string', describe: 'mse (default), rmse, pcc, scc, r2' })
      .option('runs', {
        type: 'boolean',
        describe: 'a third field: the RUN; it is there anyway where RUNs have equal indices',
      })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .epilogue('INDEX,SCORE a line, by index: of the drug that the RUN holds out, or of the cell.')
      .example('$0 extract out/EXP001 pcc', ''),
  handler: async ({ exp: name, metric = 'mse', runs, json }) => {
    const { extractScores, scoreLines } = await import('../../analysis/extract.js')
    const { openForReading } = await import('../open-named.js')
    const { print, printJson } = await import('../print.js')
    const { writeReport } = await import('../../analysis/report-file.js')
    const { scoresFile } = await import('../../experiment/layout.js')
    const exp = openForReading(name)
    const found = extractScores(exp, metric)
    const { gaps, mixed, repeated } = found
    const lines = scoreLines(found, runs || repeated)
    if (json) printJson({ metric, ...found })
    else print(lines)
    if (mixed)
      console.error('drugs and cells are held out: a line begins with its RUN, not with an index')
    if (repeated) console.error('several RUNs have one index: the third field of a line is its RUN')
    for (const gap of gaps) console.error(`no score: ${gap}`)
    writeReport(scoresFile(exp.path), lines.map(line => `${line}\n`).join(''))
  },
}
