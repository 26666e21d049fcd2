import type { CommandModule } from 'yargs'

interface Args {
  source: string
  json: boolean | undefined
}

export const listCells: CommandModule<object, Args> = {
  command: 'list-cells <source>',
  aliases: ['list_cells'],
  describe: 'cells of the responses, or those that an experiment was tested on',
  builder: y =>
    y
      .positional('source', {
        type: 'string',
        demandOption: true,
        describe: 'rsp_merged.parquet, or EXP directory or name',
      })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 list-cells demo-data/rsp_merged.parquet', '')
      .example('$0 list-cells out/EXP001', 'cells that have a test prediction'),
  handler: async ({ source, json }) => {
    const { listCells: list } = await import('../list-cells.js')
    const { print, printJson } = await import('../print.js')
    const cells = await list(source)
    if (json) printJson(cells)
    else print(cells)
  },
}
