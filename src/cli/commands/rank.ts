import type { CommandModule } from 'yargs'
import { setStatus } from '../status.js'

interface Args {
  exp: string
  rank: number | undefined
  size: number | undefined
  epoch: number
  lifeline: boolean
  workflow: string | undefined
}

/** What a launcher starts; not for people. */
export const rank: CommandModule<object, Args> = {
  command: 'rank',
  describe: false,
  builder: y =>
    y
      .option('exp', { type: 'string', demandOption: true })
      .option('rank', { type: 'number' })
      .option('size', { type: 'number' })
      .option('epoch', { type: 'number', default: 1 })
      .option('lifeline', { type: 'boolean', default: false })
      .option('workflow', { type: 'string' }),
  handler: async args => {
    const { rankMain } = await import('../rank-main.js')
    setStatus(await rankMain(args))
  },
}
