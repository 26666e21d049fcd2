import type { CommandModule } from 'yargs'
import { group } from './group.js'

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
  describe: 'every record, one a line, damaged stretches too. Exit 3 if damaged or gone',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('json', { type: 'boolean', describe: 'one JSON object a line' })
      .example('$0 journal dump out/EXP001 --json | grep RUN003', ''),
  handler: async ({ exp, json }) => {
    const { absence, checkJournal } = await import('../../analysis/journal-check.js')
    const { dumpJournal, pieceLine } = await import('../../analysis/journal-dump.js')
    const { journal } = await import('../../experiment/layout.js')
    const { openNamed } = await import('../open-named.js')
    const { printMany } = await import('../print.js')
    const { setStatus } = await import('../status.js')
    const line = json ? (piece: object) => JSON.stringify(piece) : pieceLine
    const opened = openNamed(exp)
    let segments = 0
    let damages = 0
    const pieces = dumpJournal(journal(opened.path), ({ damaged }) => {
      segments++
      damages += damaged.length
    })
    await printMany(pieces, line)
    if (damages > 0) {
      console.error(`upf-heds: the journal is DAMAGED; upf-heds journal check ${exp} tells where`)
      setStatus(3)
    }
    if (segments > 0) return
    const found = checkJournal(opened)
    if (json) console.error(`upf-heds: ${absence(found)}`)
    else console.log(absence(found))
    if (!found.sound) setStatus(3)
  },
}

export const journal = group('journal', 'what the leader wrote down: check or dump it', [
  check,
  dump,
])
