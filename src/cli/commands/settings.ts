import type { CommandModule } from 'yargs'
import { addSettings, settingsOf } from '../settings-options.js'

interface Args {
  site: string
  json: boolean | undefined
}

export const settings: CommandModule<object, Args> = {
  command: 'settings <site>',
  describe: 'every system setting and where it came from',
  builder: y =>
    addSettings(y)
      .positional('site', { type: 'string', demandOption: true, describe: 'a site or site file' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 settings local', ''),
  handler: async args => {
    const { mergeSettings } = await import('../../sites/settings.js')
    const { SETTING_NAMES } = await import('../../sites/builtin.js')
    const { print, printJson, table } = await import('../print.js')
    const flags = settingsOf(args)
    const { values, origins } = mergeSettings(args.site, process.env, flags)
    if (args.json)
      printJson(
        Object.fromEntries(
          SETTING_NAMES.map(name => [name, { value: values[name], origin: origins[name] }]),
        ),
      )
    else print(table(SETTING_NAMES.map(name => [name, values[name] || '-', origins[name]])))
  },
}
