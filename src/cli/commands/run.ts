import type { CommandModule } from 'yargs'
import { addChain, addSettings, chainOf, settingsOf } from '../settings-options.js'
import { setStatus } from '../status.js'

interface Args {
  site: string
  upf: string
  dflts: string
  exp: string | undefined
  'accept-drift': boolean | undefined
  strict: boolean | undefined
  'dry-run': boolean | undefined
  chain: number | undefined
}

export const run: CommandModule<object, Args> = {
  command: '$0 <site> <upf> <dflts> [exp]',
  describe: 'run a sweep; with EXP, restart it',
  builder: y =>
    addChain(addSettings(y))
      .positional('site', {
        type: 'string',
        demandOption: true,
        describe: 'local, aurora, polaris, slurm or a site file (JSON)',
      })
      .positional('upf', { type: 'string', demandOption: true, describe: 'one RUN a line (JSON)' })
      .positional('dflts', {
        type: 'string',
        demandOption: true,
        describe: 'hyperparameters that all RUNs share (JSON)',
      })
      .positional('exp', { type: 'string', describe: 'an earlier experiment; it is not changed' })
      .option('accept-drift', {
        type: 'boolean',
        describe: 'with EXP: begin changed RUNs anew, go on where only epochs grew',
      })
      .option('strict', { type: 'boolean', describe: 'unknown hyperparameters are errors' })
      .option('dry-run', {
        type: 'boolean',
        describe: 'on a batch site: print the job script, make nothing',
      })
      .example('DATA_SOURCE=demo-data $0 local upf/hed-demo.txt dflts/hed-demo.json', '')
      .example('$0 local upf.txt dflts.json EXP001', 'restart'),
  handler: async args => {
    const { runSweep } = await import('../run-sweep.js')
    setStatus(
      await runSweep({
        site: args.site,
        upf: args.upf,
        dflts: args.dflts,
        exp: args.exp,
        acceptDrift: args['accept-drift'] ?? false,
        strict: args.strict ?? false,
        dryRun: args['dry-run'] ?? false,
        chain: chainOf(args),
        flags: settingsOf(args),
      }),
    )
  },
}
