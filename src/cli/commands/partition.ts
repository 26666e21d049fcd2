import type { CommandModule } from 'yargs'

interface Args {
  infile: string
  pattern: string
  by: string | undefined
  index: string | undefined
  seed: string | undefined
  features: string | undefined
  json: boolean | undefined
}

export const partition: CommandModule<object, Args> = {
  command: 'partition <infile> <pattern>',
  aliases: ['partition_uno_pq'],
  describe: 'divide responses into train, val and test, as a RUN does',
  builder: y =>
    y
      .positional('infile', { type: 'string', demandOption: true, describe: 'rsp_merged.parquet' })
      .positional('pattern', {
        type: 'string',
        demandOption: true,
        describe: 'files to write; @@@ becomes train, val and test',
      })
      .option('by', {
        type: 'string',
        describe:
          'what is held out: drug (default), cell or random; also by_drug, by_cell as in a UPF',
      })
      .option('index', { type: 'string', describe: 'which drug or cell, as in a UPF' })
      .option('seed', { type: 'string', describe: 'as in a UPF (0)' })
      .option('features', {
        type: 'string',
        describe: 'DATA_SOURCE of the RUN: rows without features are left out, as it does',
      })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 partition demo-data/rsp_merged.parquet rsp_@@@_data --index 3', ''),
  handler: async ({ infile, pattern, by = 'drug', index, seed, features, json }) => {
    const { writePartition } = await import('../../../workflows/hed/partition-files.js')
    const { count } = await import('../count.js')
    const { print, printJson } = await import('../print.js')
    const found = await writePartition(infile, pattern, {
      by,
      index: index === undefined ? undefined : count(index, '--index', 0),
      seed: seed === undefined ? 0 : count(seed, '--seed', 0),
      features,
    })
    if (json) printJson(found)
    else print(found.map(({ file, rows }) => `${file}: ${rows.toLocaleString('en')} rows`))
  },
}
