import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  run: string
  json: boolean | undefined
}

export const explain: CommandModule<object, Args> = {
  command: 'explain <exp> <run>',
  describe: "a RUN's story: attempts, and why each ended",
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .positional('run', { type: 'string', demandOption: true, describe: 'id of the RUN' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 explain out/EXP001 RUN003', ''),
  handler: async ({ exp: name, run, json }) => {
    const { explain: tell } = await import('../../analysis/explain.js')
    const { storyText } = await import('../../analysis/story-lines.js')
    const { readLeaderSign, readLiveStatus } = await import('../../experiment/live-status.js')
    const { openNamed } = await import('../open-named.js')
    const { print, printJson, table } = await import('../print.js')
    const exp = openNamed(name)
    const live = await readLiveStatus(exp.path)
    const story = tell(exp, run, { live, sign: readLeaderSign(exp.path) })
    if (json) {
      printJson(story)
      return
    }
    const { head, table: rows, tail } = storyText(story)
    const between = rows.length > 0 ? [''] : []
    print([
      ...head,
      ...between,
      ...table(rows).map(line => `  ${line}`),
      ...(tail.length > 0 ? [''] : []),
      ...tail,
    ])
  },
}
