import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  type: string
  cell: string
  count: string
  json: boolean | undefined
}

export const topDrugs: CommandModule<object, Args> = {
  command: 'top-drugs <exp> <type> <cell> <count>',
  aliases: ['top_drugs'],
  describe: 'drugs with the lowest AUC',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .positional('type', { type: 'string', demandOption: true, describe: 'true or pred' })
      .positional('cell', { type: 'string', demandOption: true, describe: 'matched exactly' })
      .positional('count', { type: 'string', demandOption: true, describe: 'how many' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 top-drugs out/EXP001 pred ACH-000001 10', ''),
  handler: async ({ exp: name, type, cell, count: wanted, json }) => {
    const { runsText, topDrugs: find } = await import('../../analysis/top-drugs.js')
    const { HedError } = await import('../../base/errors.js')
    const { openForReading } = await import('../open-named.js')
    const { namesGaps, tellGap } = await import('../gaps.js')
    const { count } = await import('../count.js')
    const { print, printJson, table } = await import('../print.js')
    const { plural } = await import('../../base/plural.js')
    if (type !== 'true' && type !== 'pred')
      throw new HedError('USAGE', `TYPE is ${JSON.stringify(type)}, want true or pred`)
    const most = count(wanted, 'COUNT', 1)
    const exp = openForReading(name)
    const rows = find(exp, type, cell, most, namesGaps(exp), tellGap)
    if (json) printJson(rows)
    else
      print(
        table([
          ['run', 'drug', 'auc_true', 'auc_pred', 'cell'],
          ...rows.map(r => [
            ...[runsText(r), r.drug, r.aucTrue.toFixed(4), r.aucPred.toFixed(4), r.cell],
          ]),
        ]),
      )
    const many = rows.filter(r => r.runs.length > 1)
    if (many.length > 0)
      console.error(
        `${plural(many.length, 'drug')} of several RUNs, whose mean is shown: ${runsText(many[0]!)} stands for ${many[0]!.runs.join(', ')}`,
      )
  },
}
