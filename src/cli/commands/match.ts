import type { CommandModule } from 'yargs'

interface Args {
  truth: string
  pred: string
  json: boolean | undefined
}

export const match: CommandModule<object, Args> = {
  command: 'match <truth> <pred>',
  aliases: ['list_match'],
  describe: 'how much of one list is in another, as top-drugs prints them',
  builder: y =>
    y
      .positional('truth', {
        type: 'string',
        demandOption: true,
        describe: 'file with the true list',
      })
      .positional('pred', {
        type: 'string',
        demandOption: true,
        describe: 'file with the predicted',
      })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .epilogue(
        'Lists that top-drugs prints, with --json or without, of one cell; or any lists, a name a line.',
      )
      .example('$0 match true.list pred.list', 'lists of top-drugs EXP true … and pred …'),
  handler: async ({ truth, pred, json }) => {
    const { matchLines, matchLists } = await import('../../analysis/match.js')
    const { readNamed } = await import('../../base/files.js')
    const { print, printJson } = await import('../print.js')
    const listOf = (name: string) => ({ name, text: readNamed(name, 'list') })
    const found = matchLists(listOf(truth), listOf(pred))
    if (json) printJson(found)
    else print(matchLines(found))
    if (found.note !== null) console.error(found.note)
  },
}
