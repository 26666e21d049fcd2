import type { CommandModule } from 'yargs'

interface Args {
  count: string
  upf: string
  start: number | undefined
  stride: number | undefined
  shuffle: boolean | undefined
  seed: number | undefined
  drugs: string | undefined
}

export const gen: CommandModule<object, Args> = {
  command: 'gen <count> <upf>',
  aliases: ['gen-jsons'],
  describe: 'make a UPF of COUNT lines',
  builder: y =>
    y
      .positional('count', { type: 'string', demandOption: true, describe: 'how many RUNs' })
      .positional('upf', { type: 'string', demandOption: true, describe: 'file to write' })
      .option('start', { type: 'number', describe: 'first index (0)' })
      .option('stride', { type: 'number', describe: 'from one index to the next (1)' })
      .option('shuffle', { type: 'boolean', describe: 'permute the lines; ids stay' })
      .option('seed', { type: 'number', describe: 'of the permutation (0)' })
      .option('drugs', { type: 'string', describe: 'file with one drug name a line' })
      .example('$0 gen 770 upf/hed-770.txt', ''),
  handler: async args => {
    const { generateUpf } = await import('../../experiment/generate.js')
    const { count } = await import('../count.js')
    const { print } = await import('../print.js')
    print([generateUpf({ ...args, count: count(args.count, 'COUNT', 1), file: args.upf })])
  },
}
