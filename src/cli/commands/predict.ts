import type { CommandModule } from 'yargs'

interface Args {
  model: string
  data: string
  output: string | undefined
  missing: string | undefined
  features: string | undefined
  threads: string | undefined
  backend: string | undefined
  json: boolean | undefined
}

export const predict: CommandModule<object, Args> = {
  command: 'predict <model> <data>',
  describe: 'what a trained model says of pairs of cell and drug, as CSV',
  builder: y =>
    y
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'RUN directory (its best val_loss), checkpoint directory or model.h5',
      })
      .positional('data', {
        type: 'string',
        demandOption: true,
        describe: 'folder such as DATA_SOURCE, or a response file with the features beside it',
      })
      .option('output', { type: 'string', describe: 'file to write; stdout without' })
      .option('missing', {
        type: 'string',
        describe: 'rows without features: refuse them (error), or leave them out',
      })
      .option('features', {
        type: 'string',
        describe: 'folder with the feature tables, where they are not beside the data',
      })
      .option('threads', { type: 'string', describe: 'CPU threads (THREADS, or all)' })
      .option('backend', { type: 'string', describe: 'what computes (BACKEND, or auto)' })
      .option('json', { type: 'boolean', describe: 'a JSON object a line' })
      .example('$0 predict out/EXP001/run/RUN007 demo-data --output RUN007.csv', ''),
  handler: async ({ model, data, output, threads, backend, json = false, ...args }) => {
    const { availableParallelism } = await import('node:os')
    const { refuseExisting, writeNew } = await import('../../base/files.js')
    const hed = await import('../../../workflows/hed/predict.js')
    const { count } = await import('../count.js')
    const { print, printMany } = await import('../print.js')
    const { HedError } = await import('../../base/errors.js')
    const { missing = 'error', features } = args
    if (missing !== 'error' && missing !== 'drop')
      throw new HedError('USAGE', `--missing is ${JSON.stringify(missing)}, want error or drop`, {
        hint: 'Give --missing drop to leave rows without features out.',
      })
    if (output !== undefined) refuseExisting(output)
    const many = threads ?? process.env['THREADS'] ?? String(availableParallelism())
    const found = await hed.predict(model, data, {
      backend: backend ?? process.env['BACKEND'] ?? 'auto',
      threads: count(many, 'THREADS', 1),
      features,
      dropMissing: missing === 'drop',
    })
    const header = json ? [] : [hed.csvHeader(found.scores !== undefined)]
    const line = json ? JSON.stringify : hed.csvLine
    if (output === undefined) {
      print(header)
      await printMany(found.predictions, line)
      console.error(hed.summary(found))
    } else {
      await writeNew(output, [...header, ...found.predictions.map(p => line(p)), ''].join('\n'))
      print([`${hed.summary(found)}; wrote ${output}`])
    }
  },
}
