import type { CommandModule } from 'yargs'
import { addChain, addSettings, chainOf, settingsOf } from '../settings-options.js'
import { setStatus } from '../status.js'

interface Args {
  exp: string
  chain: number | undefined
}

export const resume: CommandModule<object, Args> = {
  command: 'resume <exp>',
  describe: 'go on in place, failed RUNs included',
  builder: y =>
    addChain(addSettings(y))
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .example('$0 resume out/EXP001', ''),
  handler: async args => {
    const { resumeSweep } = await import('../resume-sweep.js')
    setStatus(await resumeSweep(args.exp, settingsOf(args), chainOf(args)))
  },
}
