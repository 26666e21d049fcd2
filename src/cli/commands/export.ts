import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  out: string | undefined
  reports: boolean | undefined
  'dry-run': boolean | undefined
  json: boolean | undefined
}

export const exportCommand: CommandModule<object, Args> = {
  command: 'export <exp>',
  describe: 'inputs, scores, predictions and reports in one archive; writes EXP/EXPnnn.tgz',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('out', { type: 'string', describe: 'write this file instead', requiresArg: true })
      .option('reports', {
        type: 'boolean',
        describe: 'make those that are missing or old (yes); --no-reports: pack what is there',
      })
      .option('dry-run', { type: 'boolean', describe: 'show what would be made and packed' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .epilogue(
        'Without checkpoints and whole logs; what is unpacked is an EXP that commands read.',
      )
      .example('$0 export out/EXP001', '')
      .example('$0 export out/EXP001 --out hed.tgz', ''),
  handler: async ({ exp: name, out, reports, 'dry-run': dryRun = false, json }) => {
    const { exportExp } = await import('../export-exp.js')
    const { sizeText } = await import('../../base/size.js')
    const { openForReading } = await import('../open-named.js')
    const { print, printJson } = await import('../print.js')
    const exp = openForReading(name)
    const options = { out, dryRun, makesReports: reports ?? true }
    const { file, files, bytes, made, missing } = await exportExp(exp, options)
    for (const report of missing) console.error(`not made: ${report}`)
    if (json) printJson({ file, files, bytes, made, missing })
    if (json) return
    if (made.length > 0) print([`${dryRun ? 'would make' : 'made'}: ${made.join(', ')}`])
    if (file !== null) print([`wrote: ${file} (${files} files, ${sizeText(bytes)})`])
    else if (dryRun) print([`would pack: ${files} files, ${sizeText(bytes)} before packing`])
  },
}
