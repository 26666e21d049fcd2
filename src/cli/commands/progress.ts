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
    const { upstreamProgress } = await import('../../analysis/upstream-progress.js')
    const { jobStatesOf } = await import('../job.js')
    const { openForReading } = await import('../open-named.js')
    const { print, printJson, table } = await import('../print.js')
    const { writeReport } = await import('../../analysis/report-file.js')
    const { progressFile } = await import('../../experiment/layout.js')
    const exp = openForReading(name)
    const isOurs = !('type' in exp)
    const found = !isOurs
      ? upstreamProgress(exp)
      : isWatch
        ? await watch(exp, json ?? false)
        : await look(exp, verify)
    // nobody leads, and nobody has said why: perhaps its job waits
    const isOpen = isOurs && !isWatch && found.led === false && found.ended === null
    const jobs = isOpen ? await jobStatesOf(exp) : []
    const told = jobs.map(({ id, state, reason }): [string, string] => [
      'JOB:',
      `${id} ${state}${reason === '' ? '' : `: ${reason}`}`,
    ])
    const all = progressLines(found)
    const lines = table(
      jobs.length === 0 ? all : all.flatMap(line => (line[0] === 'JOB:' ? told : [line])),
    )
    if (!isWatch || !isOurs) {
      if (json) printJson(jobs.length === 0 ? found : { ...found, jobs })
      else print(lines)
    }
    writeReport(progressFile(exp.path), `${lines.join('\n')}\n`)
  },
}
