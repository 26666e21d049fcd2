import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  watch: boolean | undefined
  verify: boolean | undefined
  json: boolean | undefined
}

export const progress: CommandModule<object, Args> = {
  command: 'progress <exp>',
  describe: 'how far an experiment is; writes EXP/progress.txt',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('watch', { type: 'boolean', describe: 'show it every second until the sweep ends' })
      .option('verify', {
        type: 'boolean',
        describe: "count by every RUN's files, each byte checked, not by what others say",
      })
      .option('json', { type: 'boolean', describe: 'print JSON; with --watch one line a second' })
      .conflicts('watch', 'verify')
      .epilogue(
        'JSON: file of DFLTS; OUTs: logs in out/; NEWs: RUNs begun; DONE, MKRs: RUNs with a valid marker.',
      )
      .example('$0 progress out/EXP001', '')
      .example('$0 progress out/EXP001 --watch', 'ranks and RUNs, live'),
  handler: async ({ exp: name, watch: isWatch, verify, json }) => {
    const { progressLines } = await import('../../analysis/progress-lines.js')
    const { look, watch } = await import('../watch.js')
    const { openNamed } = await import('../open-named.js')
    const { print, printJson, table } = await import('../print.js')
    const { writeReport } = await import('../../analysis/report-file.js')
    const { progressFile } = await import('../../experiment/layout.js')
    const exp = openNamed(name)
    const found = isWatch ? await watch(exp, json ?? false) : await look(exp, verify)
    const lines = table(progressLines(found))
    if (!isWatch) {
      if (json) printJson(found)
      else print(lines)
    }
    writeReport(progressFile(exp.path), `${lines.join('\n')}\n`)
  },
}
