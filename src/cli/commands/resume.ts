import type { CommandModule } from 'yargs'
import { SETTINGS_OPTIONS, settingsOf } from '../settings-options.js'
import { setStatus } from '../status.js'

interface Args {
  exp: string
}

export const resume: CommandModule<object, Args> = {
  command: 'resume <exp>',
  describe: 'go on in place with an experiment that was stopped or has failed RUNs',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .options(SETTINGS_OPTIONS)
      .example('$0 resume out/EXP001', ''),
  handler: async args => {
    const { resumeSweep } = await import('../resume-sweep.js')
    setStatus(await resumeSweep(args.exp, settingsOf(args as unknown as Record<string, unknown>)))
  },
}
