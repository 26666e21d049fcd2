import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  out: string | undefined
  json: boolean | undefined
}

export const report: CommandModule<object, Args> = {
  command: 'report <exp>',
  describe: 'one HTML page with plots, for others to read; writes EXP/report.html',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('out', { type: 'string', describe: 'write this file instead', requiresArg: true })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 report out/EXP001', '')
      .example('$0 report out/EXP001 --out hed.html', ''),
  handler: async ({ exp: name, out, json }) => {
    const { gather } = await import('../../analysis/report/gather.js')
    const { pageOf } = await import('../../analysis/report/page.js')
    const { summaryLines, summaryOf } = await import('../../analysis/report/summary.js')
    const { requirePlace, writePage } = await import('../../analysis/report-file.js')
    const { readLeaderSign, readLiveStatus } = await import('../../experiment/live-status.js')
    const { reportFile } = await import('../../experiment/layout.js')
    const { openForReading } = await import('../open-named.js')
    const { print, printJson } = await import('../print.js')
    const { openMeter } = await import('../meter.js')
    const exp = openForReading(name)
    if (out !== undefined) requirePlace(out)
    const live = await readLiveStatus(exp.path)
    const meter = openMeter()
    const now = { live, sign: readLeaderSign(exp.path) }
    const gathered = gather(exp, now, meter.show)
    meter.end()
    const page = pageOf(gathered)
    const summary = summaryOf(gathered.content)
    const path = out ?? reportFile(exp.path)
    const bytes = Buffer.byteLength(page)
    if (!json) print(summaryLines(summary))
    const isWritten = writePage(path, page, out !== undefined)
    if (json) printJson({ ...summary, page: isWritten ? path : null, bytes })
    else if (isWritten) print([`wrote ${path} (${(bytes / 1e6).toFixed(1)} MB)`])
  },
}
