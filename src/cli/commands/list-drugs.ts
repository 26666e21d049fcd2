import type { CommandModule } from 'yargs'

interface Args {
  rsp: string
  index: number | undefined
  json: boolean | undefined
}

export const listDrugs: CommandModule<object, Args> = {
  command: 'list-drugs <rsp>',
  aliases: ['list_drugs'],
  describe: 'index and name of each drug',
  builder: y =>
    y
      .positional('rsp', { type: 'string', demandOption: true, describe: 'rsp_merged.parquet' })
      .option('index', { type: 'number', describe: 'this one alone' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 list-drugs demo-data/rsp_merged.parquet', ''),
  handler: async ({ rsp, index, json }) => {
    const { readDrugs } = await import('../../../workflows/hed/data.js')
    const { HedError } = await import('../../base/errors.js')
    const { print, printJson } = await import('../print.js')
    const all = (await readDrugs(rsp)).map((drug, i) => ({ index: i, drug }))
    const drugs = index === undefined ? all : all.filter(d => d.index === index)
    if (drugs.length === 0)
      throw new HedError('USAGE', `--index ${index}: ${rsp} has drugs 0 to ${all.length - 1}`)
    if (json) printJson(drugs)
    else print(drugs.map(d => `${String(d.index).padStart(3, '0')} ${d.drug}`))
  },
}
