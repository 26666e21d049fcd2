import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { secondsOf } from '../base/walltime.js'
import { HedError } from '../base/errors.js'
import type { Settings } from '../experiment/exp.js'
import { BATCH, type BatchSite } from './batch.js'
import { launchCalls, shapeOf, wantsHosts } from './launchers.js'
import { clock } from './queues.js'

/** What a job script is made for. */
export interface Job {
  /** `aurora`, `polaris`, `pbs` or `slurm`: the known site, perhaps below a site file. */
  readonly site: string
  readonly settings: Settings
  /** EXP directory, absolute. */
  readonly exp: string
  readonly name: string
  /** Where relative paths begin, absolute. */
  readonly folder: string
  /** Variables of ours that the ranks shall see. */
  readonly environment: Readonly<Record<string, string>>
  /** Program and script of a rank, on a file system that every node sees. */
  readonly node: string
  readonly bin: string
}

/**
 * The text of a job script, from the template of its scheduler in scripts/jobs.
 * @throws HedError USAGE where a value cannot stand in a directive
 */
export function jobScript(job: Job): string {
  const { settings, exp } = job
  const site = BATCH[job.site]!
  const seconds = secondsOf(settings.WALLTIME)
  const shape = shapeOf(settings)
  const launcher = settings.LAUNCHER || 'srun'
  const directives = settings.DIRECTIVES.split(';').map(text => text.trim())
  const values: Readonly<Record<string, string>> = {
    name: directive('name', job.name),
    project: directive('PROJECT', settings.PROJECT),
    queue: directive('QUEUE', settings.QUEUE),
    filesystems: directive('FILESYSTEMS', settings.FILESYSTEMS),
    chunk: site.chunk?.(settings) ?? '',
    log: directive('path of the EXP', `${exp}/out/job.txt`),
    nodes: String(shape.nodes),
    processes: String(shape.processes),
    ppn: String(shape.perNode),
    cores: String(shape.cores),
    walltime: seconds === undefined ? '' : clock(seconds),
    end: seconds === undefined ? '' : `$(($(date +%s) + ${seconds}))`,
    // one that is called for each host is called by us, in the job
    launch: wantsHosts(launcher) ? 'exec' : words(launchCalls(settings, [], [], [])[0]!.argv),
    how: wantsHosts(launcher) ? '--launch' : '--shield',
    exp: quoted(exp),
    folder: quoted(job.folder),
    node: quoted(job.node),
    bin: quoted(job.bin),
  }
  return template(site)
    .split('\n')
    .filter(line => !isEmptyDirective(line, values))
    .flatMap(line =>
      line === '# @prologue@'
        ? prologue(site, settings, job.environment)
        : line === '# @directives@'
          ? directives
              .filter(text => text !== '')
              .map(
                text =>
                  `#${site.prefix} ${directive('DIRECTIVES', text, /^[\w.+:,/=@%()[\] -]+$/)}`,
              )
          : [line.replace(/@(\w+)@/g, (_, key: string) => values[key]!)],
    )
    .join('\n')
}

const SOURCED = '# shellcheck source=/dev/null'

/** A file of the user's, or what the site's nodes need for PyTorch; then our own variables. */
function prologue(
  site: BatchSite,
  settings: Settings,
  environment: Job['environment'],
): readonly string[] {
  const own = prologueLines(settings)
  const lines = own.length > 0 ? own : site.prologue
  const set = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`)
  return [...lines.flatMap(line => (line.startsWith('. ') ? [SOURCED, line] : [line])), ...set]
}

/** What the user's nodes need: modules, then a file. */
export function prologueLines({ MODULES, PROLOGUE }: Settings): string[] {
  return [
    ...(MODULES === '' ? [] : [`module load ${MODULES.trim().split(/\s+/).map(quoted).join(' ')}`]),
    ...(PROLOGUE === '' ? [] : [`. ${quoted(PROLOGUE)}`]),
  ]
}

function template({ scheduler }: BatchSite): string {
  const url = new URL(`../../../scripts/jobs/${scheduler}.sh`, import.meta.url)
  return readFileSync(fileURLToPath(url), 'utf8')
}

/** Something that the user has not set is not asked for. */
function isEmptyDirective(line: string, values: Readonly<Record<string, string>>): boolean {
  if (!/^#(PBS|SBATCH) /.test(line)) return false
  return [...line.matchAll(/@(\w+)@/g)].some(([, key]) => values[key!] === '')
}

/** One word for the shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Words that need no quotes stay readable. */
export function words(argv: readonly string[]): string {
  return argv.map(word => (/^[\w.:=,/-]+$/.test(word) ? word : quoted(word))).join(' ')
}

/** Schedulers read directives without a shell's quotes. */
function directive(what: string, value: string, allowed = /^[\w.+:,/=@%()[\]-]+$/): string {
  if (value === '' || allowed.test(value)) return value
  throw new HedError('USAGE', `${what} is ${JSON.stringify(value)}`, {
    hint: 'In a job script it may hold letters, digits and . _ + - : , / = @ % ( ) [ ] alone, and no blanks.',
  })
}
