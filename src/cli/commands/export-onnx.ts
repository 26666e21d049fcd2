import type { CommandModule } from 'yargs'

interface Args {
  model: string
  output: string | undefined
  json: boolean | undefined
}

export const exportOnnx: CommandModule<object, Args> = {
  command: 'export-onnx <model>',
  describe: 'a trained model as an ONNX file',
  builder: y =>
    y
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'RUN directory (its best val_loss), checkpoint directory or model.h5',
      })
      .option('output', { type: 'string', describe: "file to write (the model's name, .onnx)" })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 export-onnx out/EXP001/run/RUN007', 'writes RUN007.onnx'),
  handler: async ({ model, output, json }) => {
    const path = await import('node:path')
    const { refuseExisting, writeNew } = await import('../../base/files.js')
    const { inferenceModel } = await import('../../train/export-onnx.js')
    const { openModel } = await import('../../train/open-model.js')
    const { print, printJson } = await import('../print.js')
    const file = output ?? `${path.basename(path.resolve(model)).replace(/\.h5$/, '')}.onnx`
    refuseExisting(file)
    const network = await openModel(model)
    const bytes = inferenceModel(network)
    await writeNew(file, bytes)
    const { path: from, features, widths } = network
    const [cell, drug] = widths
    if (json) printJson({ file, bytes: bytes.length, model: from, cell, drug, named: !!features })
    else {
      const names = features ? '' : '; the model does not know the names of its features'
      print([`${file}: ${from} as cell [batch, ${cell}], drug [batch, ${drug}] → auc${names}`])
    }
  },
}
