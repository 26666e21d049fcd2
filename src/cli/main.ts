import { existsSync } from 'node:fs'
import yargs, { type CommandModule } from 'yargs'
import { exitStatus, HedError, namingFault } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { anyOf } from '../base/plural.js'
import { backends } from './commands/backends.js'
import { cancel } from './commands/cancel.js'
import { check } from './commands/check.js'
import { cleanCkpts } from './commands/clean-ckpts.js'
import { convergence } from './commands/convergence.js'
import { data } from './commands/data.js'
import { env } from './commands/env.js'
import { epochs } from './commands/epochs.js'
import { explain } from './commands/explain.js'
import { exportCommand } from './commands/export.js'
import { exportOnnx } from './commands/export-onnx.js'
import { extract } from './commands/extract.js'
import { gen } from './commands/gen.js'
import type { Group } from './commands/group.js'
import { journal } from './commands/journal.js'
import { listCells } from './commands/list-cells.js'
import { listDrugs } from './commands/list-drugs.js'
import { match } from './commands/match.js'
import { partition } from './commands/partition.js'
import { predict } from './commands/predict.js'
import { progress } from './commands/progress.js'
import { report as reportPage } from './commands/report.js'
import { results } from './commands/results.js'
import { resume } from './commands/resume.js'
import { run } from './commands/run.js'
import { scoreCells } from './commands/score-cells.js'
import { settings } from './commands/settings.js'
import { shrinkLogs } from './commands/shrink-logs.js'
import { site } from './commands/site.js'
import { stage } from './commands/stage.js'
import { topDrugs } from './commands/top-drugs.js'
import { wait } from './commands/wait.js'
import { MASK, maskNames, unmaskNames } from './after-dashes.js'
import { report } from './report.js'
import { setStatus, takeStatus } from './status.js'
import { flagName, SETTING_NAMES, SITES } from '../sites/builtin.js'

const COMMANDS: readonly CommandModule[] = [
  run,
  resume,
  wait,
  cancel,
  check,
  gen,
  settings,
  site,
  backends,
  data,
  partition,
  listDrugs,
  listCells,
  progress,
  epochs,
  extract,
  topDrugs,
  scoreCells,
  match,
  convergence,
  results,
  reportPage,
  shrinkLogs,
  cleanCkpts,
  exportCommand,
  explain,
  journal,
  predict,
  exportOnnx,
  env,
  stage,
] as unknown as CommandModule[]

const GROUPS: readonly Group[] = [data, env, journal, site]

/**
 * The command line. Never exits: @returns the exit status.
 * @param given arguments without node and the script
 */
export async function main(given: readonly string[]): Promise<number> {
  // an alias of yargs would stand in each usage line instead of the site
  const argv = maskNames(given[0] === OLD_NAME ? given.slice(1) : given)
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
  const parser = yargs(argv).scriptName('upf-heds')
  const isForSite = asksForHelp(argv) && isSite(firstWord(argv))
  if (!isForSite)
    parser
      .usage('Hyperparameter sweeps that lose nothing: each line of a UPF is one RUN.')
      .epilogue(
        'upf-heds local --help tells all of a sweep, upf-heds COMMAND --help of a command. Words behind -- are names, no options.',
      )
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
    .middleware(unmaskNames)
    .fail((message, error) => {
      // yargs throws some of its own complaints, and only tells others
      throw error instanceof Error && error.name !== 'YError' ? error : usage(message, argv)
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

/** The script that started a sweep of the original workflow; its words are ours. */
const OLD_NAME = 'upf-uno-heds'

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
  return argv.find(isWord)
}

function isWord(argument: string): boolean {
  return !argument.startsWith('-')
}

/** A word in the wrong place: name it, and what was perhaps meant. */
function usage(message: string, argv: readonly string[]): HedError {
  const words = COMMANDS.flatMap(c => [c.command ?? [], c.aliases ?? []].flat())
    .map(c => c.split(' ')[0]!)
    .filter(word => word !== '$0')
  const first = firstWord(argv)?.replace(MASK, '')
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1]?.replace(MASK, '')
  const second = argv.filter(isWord)[1]?.replace(MASK, '')
  const group = GROUPS.find(({ name }) => name === first)
  if (group && second !== undefined && !group.words.includes(second)) return noneOf(group, second)
  const option = unknown === undefined ? undefined : optionNamed(unknown, argv)
  if (unknown !== undefined && option !== undefined) return unknownOption(option, unknown, first)
  const bare = /^Not enough arguments following: (\S+)$/.exec(message)?.[1]
  if (bare !== undefined)
    return new HedError('USAGE', `--${bare} has no value`, { hint: `Give one: --${bare} VALUE.` })
  if (unknown !== undefined && first !== undefined && (words.includes(first) || isPlace(first)))
    return new HedError('USAGE', `${unknown}: one word too many`, {
      hint: `Run upf-heds ${words.includes(first) ? `${first} ` : ''}--help.`,
    })
  if (first === undefined || words.includes(first) || isSite(first))
    return new HedError('USAGE', message.replaceAll('\n', ' ').replace(TOO_FEW, 'too few words'), {
      hint: argv.some(word => /^-[^-]/.test(word))
        ? 'Put -- before a name that begins with "-".'
        : `Run upf-heds ${first === undefined ? '' : `${first} `}--help.`,
    })
  const near = nearest(first, [...words, ...Object.keys(SITES)])
  return new HedError('USAGE', `"${first}" is no command, and no site with UPF and DFLTS`, {
    hint: near === undefined ? 'Run upf-heds --help for all commands.' : `Is "${near}" meant?`,
  })
}

function noneOf({ name, words }: Group, word: string): HedError {
  const near = nearest(word, words)
  return new HedError('USAGE', `"${word}" is no command of ${name}, want ${anyOf(words)}`, {
    hint: near === undefined ? `Run upf-heds ${name} --help.` : `Is "${near}" meant?`,
  })
}

/** @returns the option that a complaint calls `name`, as it was typed; undefined where a word is meant */
function optionNamed(name: string, argv: readonly string[]): string | undefined {
  return argv.includes(name) ? undefined : argv.find(word => namesOf(word).includes(name))
}

function unknownOption(typed: string, name: string, command: string | undefined): HedError {
  const near = nearest(name, OPTIONS)
  const hint =
    near === name
      ? `It is not one of this command: see upf-heds ${command} --help.`
      : near === undefined
        ? 'See --help.'
        : `Is --${near} meant?`
  return new HedError('USAGE', `unknown option: ${typed.split('=')[0]!}`, { hint })
}

/** What an option is called in a complaint: `--no-reports=x`, `-abc`; none for a word. */
function namesOf(word: string): readonly string[] {
  if (/^-[^-]/.test(word)) return word.slice(1).split('')
  const name = /^--([^=]+)/.exec(word)?.[1]
  return name === undefined ? [] : [name, name.replace(/^no-/, '')]
}

/** A built-in site, or the file of one. */
function isPlace(word: string): boolean {
  return isSite(word) || existsSync(word)
}

/** As yargs says it. */
const TOO_FEW = /^Not enough non-option arguments: .*$/

/** Flags that are often mistyped. */
const OPTIONS: readonly string[] = [
  ...SETTING_NAMES.map(flagName),
  ...[
    'accept-drift',
    'chain',
    'dry-run',
    'every',
    'help',
    'index',
    'json',
    'latest',
    'out',
    'output',
  ],
  ...['reports', 'strict', 'top', 'val', 'verify', 'version', 'wait', 'watch'],
]
