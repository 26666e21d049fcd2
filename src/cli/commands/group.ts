import type { CommandModule } from 'yargs'
import { anyOf } from '../../base/plural.js'

/** A word that wants another one: `journal check`, `journal dump`. */
export interface Group extends CommandModule {
  readonly name: string
  /** The second words. */
  readonly words: readonly string[]
}

export function group(
  name: string,
  describe: string,
  commands: readonly Pick<CommandModule, 'command'>[],
): Group {
  const words = commands.map(({ command }) => String(command).split(' ')[0]!)
  return {
    name,
    words,
    command: `${name} <command>`,
    describe,
    builder: y =>
      commands
        .reduce((all, command) => all.command(command as CommandModule), y)
        .demandCommand(1, `want ${anyOf(words)}`),
    handler: () => undefined,
  }
}
