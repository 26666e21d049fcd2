import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  val: boolean | undefined
  out: string | undefined
  json: boolean | undefined
}

export const results: CommandModule<object, Args> = {
  command: 'results <exp>',
  describe: 'all predictions and RUNs as tables; writes EXP/results.parquet and EXP/runs.parquet',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('val', { type: 'boolean', describe: 'the validation predictions too' })
      .option('out', {
        type: 'string',
        describe: 'write FILE and FILE-runs instead',
        requiresArg: true,
      })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .epilogue('For pandas, polars and DuckDB; the columns are told in docs/formats.md.')
      .example('$0 results out/EXP001', '')
      .example('$0 results out/EXP001 --out hed.parquet', 'and hed-runs.parquet'),
  handler: async ({ exp: name, val, out, json }) => {
    const { resultFiles, resultFilesAt, writeResults } = await import('../../analysis/results.js')
    const { isReadOnly, tellReadOnly } = await import('../../analysis/report-file.js')
    const { refuseExisting } = await import('../../base/files.js')
    const { openForReading } = await import('../open-named.js')
    const { namesGaps, tellGap } = await import('../gaps.js')
    const { openMeter } = await import('../meter.js')
    const { print, printJson } = await import('../print.js')
    const exp = openForReading(name)
    const files = out === undefined ? resultFiles(exp.path) : resultFilesAt(out)
    if (out !== undefined) for (const file of files) refuseExisting(file)
    const states = namesGaps(exp)
    const meter = openMeter()
    try {
      const written = await writeResults(exp, states, files, val ?? false, tellGap, meter.show)
      meter.end()
      if (json) printJson(written)
      else print(written.map(({ file, rows }) => `${file}: ${rows.toLocaleString('en')} rows`))
    } catch (error) {
      meter.end()
      if (!isReadOnly(error) || out !== undefined) throw error
      tellReadOnly(files[0], true)
      if (json) printJson([])
    }
  },
}
