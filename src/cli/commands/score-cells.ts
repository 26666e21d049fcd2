import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  top: string | undefined
  json: boolean | undefined
}

/** Drugs on one line. */
const NAMED = 8

export const scoreCells: CommandModule<object, Args> = {
  command: 'score-cells <exp>',
  aliases: ['score_all_cells'],
  describe: 'how well each cell is predicted: top drugs, Spearman; writes EXP/cells.csv',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('top', { type: 'string', describe: 'how many drugs are the top (10)' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .epilogue(
        'recall: share of the drugs with the lowest true AUC that also have the lowest predicted.',
      )
      .example('$0 score-cells out/EXP001 --top 5', ''),
  handler: async ({ exp: name, top, json }) => {
    const {
      cellRows,
      cellsCsv,
      meanLines,
      scoreCells: score,
    } = await import('../../analysis/score-cells.js')
    const { openForReading } = await import('../open-named.js')
    const { count } = await import('../count.js')
    const { plural } = await import('../../base/plural.js')
    const { tellGaps } = await import('../gaps.js')
    const { print, printJson, table } = await import('../print.js')
    const { writeReport } = await import('../../analysis/report-file.js')
    const { cellsFile } = await import('../../experiment/layout.js')
    const exp = openForReading(name)
    const found = score(exp, top === undefined ? 10 : count(top, '--top', 1))
    if (json) printJson(found)
    else print([...table(cellRows(found, Infinity)), ...meanLines(found)])
    tellGaps(found.gaps)
    if (found.repeated.length > 0) {
      const names = found.repeated.slice(0, NAMED).join(', ')
      const more = found.repeated.length - NAMED
      console.error(
        `${plural(found.repeated.length, 'drug')} held out by several RUNs; the mean of their predictions counts: ${names}${more > 0 ? ` and ${more} more` : ''}`,
      )
    }
    writeReport(cellsFile(exp.path), cellsCsv(found))
  },
}
