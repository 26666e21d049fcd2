import type { CommandModule } from 'yargs'

interface Args {
  exp: string
  json: boolean | undefined
}

const check: CommandModule<object, Args> = {
  command: 'check <exp>',
  describe: 'is the journal sound, and do the markers agree? Exit 3 if not',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 journal check out/EXP001', ''),
  handler: async ({ exp, json }) => {
    const { checkJournal, checkLines } = await import('../../analysis/journal-check.js')
    const { openNamed } = await import('../open-named.js')
    const { print, printJson } = await import('../print.js')
    const { setStatus } = await import('../status.js')
    const found = checkJournal(openNamed(exp))
    if (json) printJson(found)
    else print(checkLines(found))
    if (!found.sound) setStatus(3)
  },
}

const dump: CommandModule<object, Args> = {
  command: 'dump <exp>',
  describe: 'every record, one a line, damaged stretches too',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('json', { type: 'boolean', describe: 'one JSON object a line' })
      .example('$0 journal dump out/EXP001 --json | grep RUN003', ''),
  handler: async ({ exp, json }) => {
    const { dumpJournal, pieceLine } = await import('../../analysis/journal-dump.js')
    const { journal } = await import('../../experiment/layout.js')
    const { openNamed } = await import('../open-named.js')
    const { printMany } = await import('../print.js')
    const line = json ? (piece: object) => JSON.stringify(piece) : pieceLine
    const { path } = openNamed(exp)
    await printMany(dumpJournal(journal(path)), line)
  },
}

export const journal: CommandModule = {
  command: 'journal <command>',
  describe: 'what the leader wrote down: check or dump it',
  builder: y =>
    y.command(check).command(dump).demandCommand(1, 'want `journal check` or `journal dump`'),
  handler: () => undefined,
}
