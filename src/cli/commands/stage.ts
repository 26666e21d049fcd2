import type { CommandModule } from 'yargs'
import { last, MANY } from '../many.js'

interface Args {
  paths: string[]
  verify: boolean | undefined
  delete: boolean | undefined
  rendezvous: string | undefined
  wait: string | undefined
  rank: string | undefined
  size: string | undefined
  host: string | undefined
  json: boolean | undefined
}

export const stage: CommandModule<object, Args> = {
  command: 'stage <paths..>',
  describe: 'copy files to a disk of every node, read once: run it in a launcher',
  builder: y =>
    y
      .parserConfiguration(MANY)
      .positional('paths', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'files and folders; the last is the folder to copy them to, on each node',
      })
      .option('verify', { type: 'boolean', describe: 'read what is there already, too' })
      .option('delete', {
        type: 'boolean',
        describe: 'remove what was staged there before and is gone from the paths',
      })
      .option('rendezvous', {
        type: 'string',
        describe: 'file through which the ranks meet (here)',
      })
      .option('wait', {
        type: 'string',
        describe: 'seconds that the ranks wait for each other (300)',
      })
      .option('rank', { type: 'string', describe: 'place of this process (as the launcher says)' })
      .option('size', { type: 'string', describe: 'number of ranks (as the launcher says)' })
      .option('host', { type: 'string', describe: 'name of this node (as the system says)' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('mpiexec -n 8 --ppn 1 $0 stage data env.tar /tmp/me', '/tmp/me/data, … on 8 nodes'),
  handler: async args => {
    const { runStage } = await import('../run-stage.js')
    const { paths, verify, rendezvous, wait, rank, size, host, json } = args
    await runStage(
      {
        ...{ paths, verify: last(verify), rendezvous: last(rendezvous), wait: last(wait) },
        delete: last(args.delete),
        ...{ rank: last(rank), size: last(size), host: last(host), json: last(json) },
      },
      process.env,
    )
  },
}
