import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  json: boolean | undefined
}

export const convergence: CommandModule<object, Args> = {
  command: 'convergence <exp>',
  aliases: ['analyze_convergence'],
  describe: 'did training converge, RUN by RUN? writes EXP/convergence.csv',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .epilogue(
        'By val_loss of each epoch. gain: by how much the last 5 epochs are better than all before; rise: by how much their mean is above the best.',
      )
      .example('$0 convergence out/EXP001', ''),
  handler: async ({ exp: name, json }) => {
    const { convergenceCsv, convergenceOf, convergenceRows, countLines } =
      await import('../../analysis/convergence.js')
    const { openForReading } = await import('../open-named.js')
    const { print, printJson, table } = await import('../print.js')
    const { writeReport } = await import('../../analysis/report-file.js')
    const { convergenceFile } = await import('../../experiment/layout.js')
    const exp = openForReading(name)
    const found = convergenceOf(exp)
    if (json) printJson(found)
    else print([...table(convergenceRows(found)), ...countLines(found)])
    for (const run of found.byCheckpoints)
      console.error(`no history.txt, judged by checkpoints, which never get worse: ${run}`)
    for (const run of found.unknown) console.error(`no val_loss can be read: ${run}`)
    for (const gap of found.gaps) console.error(`not finished: ${gap}`)
    writeReport(convergenceFile(exp.path), convergenceCsv(found))
  },
}
