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
  handler: async ({ exp: name, type, cell, count: many, json }) => {
    const { topDrugs: find } = await import('../../analysis/top-drugs.js')
    const { HedError } = await import('../../base/errors.js')
    const { openNamed } = await import('../open-named.js')
    const { count } = await import('../count.js')
    const { print, printJson, table } = await import('../print.js')
    if (type !== 'true' && type !== 'pred')
      throw new HedError('USAGE', `TYPE is ${JSON.stringify(type)}, want true or pred`)
    const rows = find(openNamed(name), type, cell, count(many, 'COUNT', 1))
    if (json) printJson(rows)
    else
      print(
        table([
          ['run', 'drug', 'auc_true', 'auc_pred', 'cell'],
          ...rows.map(r => [r.run, r.drug, r.aucTrue.toFixed(4), r.aucPred.toFixed(4), r.cell]),
        ]),
      )
  },
}
