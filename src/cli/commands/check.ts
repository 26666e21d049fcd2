import type { CommandModule } from 'yargs'
import { addSettings, settingsOf } from '../settings-options.js'

interface Args {
  upf: string
  dflts: string
  strict: boolean | undefined
  json: boolean | undefined
}

export const check: CommandModule<object, Args> = {
  command: 'check <upf> <dflts>',
  describe: 'validate all that a run would need; change nothing',
  builder: y =>
    addSettings(y)
      .positional('upf', { type: 'string', demandOption: true, describe: 'one RUN a line (JSON)' })
      .positional('dflts', { type: 'string', demandOption: true, describe: 'shared (JSON)' })
      .option('strict', { type: 'boolean', describe: 'unknown hyperparameters are errors' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 check upf/hed-demo.txt dflts/hed-demo.json --data-source demo-data', ''),
  handler: async args => {
    const { checkSweep } = await import('../check-sweep.js')
    const flags = settingsOf(args)
    await checkSweep({ ...args, strict: args.strict ?? false, json: args.json ?? false, flags })
  },
}
