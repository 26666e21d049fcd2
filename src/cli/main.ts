import yargs, { type CommandModule } from 'yargs'
import { exitStatus, HedError, namingFault } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { check } from './commands/check.js'
import { data } from './commands/data.js'
import { epochs } from './commands/epochs.js'
import { explain } from './commands/explain.js'
import { exportOnnx } from './commands/export-onnx.js'
import { extract } from './commands/extract.js'
import { gen } from './commands/gen.js'
import { journal } from './commands/journal.js'
import { listDrugs } from './commands/list-drugs.js'
import { predict } from './commands/predict.js'
import { progress } from './commands/progress.js'
import { resume } from './commands/resume.js'
import { run } from './commands/run.js'
import { settings } from './commands/settings.js'
import { topDrugs } from './commands/top-drugs.js'
import { report } from './report.js'
import { setStatus, takeStatus } from './status.js'
import { flagName, SETTING_NAMES, SITES } from '../sites/builtin.js'

const COMMANDS: readonly CommandModule[] = [
  run,
  resume,
  check,
  gen,
  settings,
  data,
  listDrugs,
  progress,
  epochs,
  extract,
  topDrugs,
  explain,
  journal,
  predict,
  exportOnnx,
] as unknown as CommandModule[]

/**
 * The command line. Never exits: @returns the exit status.
 * @param argv arguments without node and the script
 */
export async function main(argv: readonly string[]): Promise<number> {
  // a reader that closes the pipe (`| head`) is no error, and a full disk under a log must not end a sweep
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    process.stdout.on('error', () => undefined)
    if (error.code === 'EPIPE') return
    const lost = new HedError('USAGE', `stdout cannot be written: ${error.message}`)
    console.error(`upf-heds: ${lost.message}`)
    const word = firstWord(argv)
    if (isSite(word) || word === 'resume') return
    // what was asked for is not there; a sweep is what it is without its log
    process.on('exit', () => {
      process.exitCode ||= exitStatus(lost)
    })
  })
  const parser = yargs([...argv]).scriptName('upf-heds')
  const isForSite = asksForHelp(argv) && isSite(firstWord(argv))
  if (!isForSite)
    parser
      .usage('Hyperparameter sweeps that lose nothing: each line of a UPF is one RUN.')
      .epilogue('upf-heds local --help tells all of a sweep, upf-heds COMMAND --help of a command.')
  parser
    .parserConfiguration({ 'parse-positional-numbers': false, 'duplicate-arguments-array': false })
    .strict()
    .demandCommand(1, 'what shall be done? See upf-heds --help')
    .recommendCommands()
    .help()
    .alias('help', 'h')
    .version()
    .wrap(Math.min(110, process.stdout.columns || 100))
    .exitProcess(false)
    .fail((message, error) => {
      throw error instanceof Error ? error : usage(message, argv)
    })
  if (isForSite) parser.command(run)
  else for (const command of COMMANDS) parser.command(asksForHelp(argv) ? brief(command) : command)
  try {
    setStatus(0)
    await parser.parseAsync()
    return takeStatus()
  } catch (thrown) {
    const error = namingFault(thrown)
    report(error, argv.includes('--json'))
    return exitStatus(error)
  }
}

function asksForHelp(argv: readonly string[]): boolean {
  return argv.includes('--help') || argv.includes('-h')
}

function isSite(word: string | undefined): boolean {
  return word !== undefined && Object.hasOwn(SITES, word)
}

/** The options of a sweep are told by `local --help`: among all commands they would hide these. */
function brief(command: CommandModule): CommandModule {
  return command.command === run.command ? { ...command, builder: {} } : command
}

function firstWord(argv: readonly string[]): string | undefined {
  return argv.find(word => !word.startsWith('-'))
}

/** A word in the wrong place: name it, and what was perhaps meant. */
function usage(message: string, argv: readonly string[]): HedError {
  const words = COMMANDS.flatMap(c => [c.command ?? [], c.aliases ?? []].flat())
    .map(c => c.split(' ')[0]!)
    .filter(word => word !== '$0')
  const first = firstWord(argv)
  const option = /^Unknown arguments?: ([\w-]+)/.exec(message)?.[1]
  if (option !== undefined) {
    const near = nearest(option, OPTIONS)
    return new HedError('USAGE', `unknown option or word: ${option}`, {
      hint: near === undefined ? 'See --help.' : `Is --${near} meant?`,
    })
  }
  if (first === undefined || words.includes(first) || isSite(first))
    return new HedError('USAGE', message.replaceAll('\n', ' ').replace(TOO_FEW, 'too few words'), {
      hint: `Run upf-heds ${first === undefined ? '' : `${first} `}--help.`,
    })
  const near = nearest(first, [...words, ...Object.keys(SITES)])
  return new HedError('USAGE', `"${first}" is no command, and no site with UPF and DFLTS`, {
    hint: near === undefined ? 'Run upf-heds --help for all commands.' : `Is "${near}" meant?`,
  })
}

/** As yargs says it. */
const TOO_FEW = /^Not enough non-option arguments: .*$/

/** Flags that are often mistyped. */
const OPTIONS: readonly string[] = [
  ...SETTING_NAMES.map(flagName),
  'accept-drift',
  'strict',
  'json',
  'help',
  'version',
]
