import { execFile } from 'node:child_process'
import { HedError, messageOf } from '../base/errors.js'
import type { BatchSite } from './batch.js'

/** Seconds that a scheduler's command may take; a busy server answers late. */
const LIMIT = 120

interface Commands {
  /** Submits the script named last and prints the job's id. */
  readonly submit: readonly [string, ...string[]]
  /** Options of a job that begins when another has ended with a status other than 0. */
  readonly after: (id: string) => readonly string[]
  readonly cancel: string
  /** Fails, or prints nothing, where the job is no longer known or has ended. */
  readonly query: readonly [string, ...string[]]
  /** What it says of such a job. */
  readonly gone: RegExp
  /** Tells of a job named last: what `state` understands. */
  readonly describe: readonly [string, ...string[]]
  readonly state: (said: string) => JobState | undefined
}

/** Of a job that waits or runs, as its scheduler says. */
export interface JobState {
  /** `queued`, `held`, `running`, …; Slurm's own words in lower case. */
  readonly state: string
  /** Why it waits; '' where nobody says. */
  readonly reason: string
}

const PBS_STATES: Readonly<Record<string, string>> = {
  ...{ Q: 'queued', H: 'held', R: 'running', E: 'exiting', W: 'waiting', S: 'suspended' },
  ...{ F: 'finished', X: 'finished', T: 'moving', B: 'running' },
}

const COMMANDS: Readonly<Record<BatchSite['scheduler'], Commands>> = {
  pbs: {
    submit: ['qsub'],
    after: id => ['-W', `depend=afternotok:${id}`],
    cancel: 'qdel',
    query: ['qstat'],
    gone: /has finished|Unknown Job/i,
    describe: ['qstat', '-f'],
    state: said => {
      const text = said.replaceAll('\n\t', '') // long values are wrapped
      const field = (name: string) => new RegExp(`^\\s*${name} = (.*)$`, 'm').exec(text)?.[1]
      const letter = field('job_state')
      if (letter === undefined) return undefined
      return { state: PBS_STATES[letter] ?? letter, reason: field('comment') ?? '' }
    },
  },
  slurm: {
    submit: ['sbatch', '--parsable'],
    after: id => [`--dependency=afternotok:${id}`, '--kill-on-invalid-dep=yes'],
    cancel: 'scancel',
    query: ['squeue', '--noheader', '--format=%T', '--jobs'],
    gone: /Invalid job id/i,
    describe: ['squeue', '--noheader', '--format=%T|%r|%S', '--jobs'],
    state: said => {
      const [state, reason, start] = said.trim().split('|')
      if (!state) return undefined
      const begins = start === undefined || !/^\d/.test(start) ? '' : `, begins about ${start}`
      return { state: state.toLowerCase(), reason: `${reason ?? ''}${begins}` }
    },
  },
}

/**
 * Submit a job script.
 * @param earlier a job that must have ended without finishing the sweep
 * @returns the job's id: `1234567.aurora-pbs-0001`, or `1234567`
 * @throws HedError PROTOCOL with what the scheduler said
 */
export async function submitJob(
  site: BatchSite,
  script: string,
  earlier: string | undefined,
): Promise<string> {
  const { submit, after } = COMMANDS[site.scheduler]
  const [program, ...args] = submit
  const more = earlier === undefined ? [] : after(earlier)
  const said = (await call(program, [...args, ...more, script])).trim()
  // sbatch may add the cluster's name: `1234567;perlmutter`
  const id = /^(\w[\w.[\]-]*)(;.*)?$/.exec(said.split('\n').at(-1) ?? '')?.[1]
  if (id === undefined)
    throw new HedError('PROTOCOL', `${program} said ${JSON.stringify(said)}, want the id of a job`)
  return id
}

/** Ask the scheduler to end a job; its ranks make durable what they have. @throws HedError PROTOCOL */
export async function cancelJob(site: BatchSite, id: string): Promise<void> {
  await call(COMMANDS[site.scheduler].cancel, [id])
}

/**
 * Is the job waiting or running? A scheduler that forgets ended jobs fails where it is asked for one.
 * @throws HedError PROTOCOL where the scheduler cannot be asked
 */
export async function isQueued(site: BatchSite, id: string): Promise<boolean> {
  const { query, gone } = COMMANDS[site.scheduler]
  const [program, ...args] = query
  try {
    return (await call(program, [...args, id])).trim() !== ''
  } catch (error) {
    if (error instanceof HedError && gone.test(error.message)) return false
    throw error
  }
}

/**
 * How a job stands.
 * @returns undefined where it is known no more
 * @throws HedError PROTOCOL where the scheduler cannot be asked
 */
export async function jobState(site: BatchSite, id: string): Promise<JobState | undefined> {
  const { describe, gone, state } = COMMANDS[site.scheduler]
  const [program, ...args] = describe
  try {
    return state(await call(program, [...args, id]))
  } catch (error) {
    if (error instanceof HedError && gone.test(error.message)) return undefined
    throw error
  }
}

function call(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: LIMIT * 1000 }, (error, stdout, stderr) => {
      if (!error) {
        resolve(stdout)
        return
      }
      if (error.code === 'ENOENT') {
        const text = `${program} is not on this machine`
        const hint = 'Submit from a login node of the site; --dry-run shows the job script.'
        reject(new HedError('PROTOCOL', text, { hint }))
        return
      }
      const said = stderr.trim().split('\n').at(-1)! || messageOf(error)
      const text = said.startsWith(`${program}:`) ? said : `${program}: ${said}`
      reject(new HedError('PROTOCOL', text))
    })
  })
}
