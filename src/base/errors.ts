/** What went wrong, as the user would file it. Decides the exit status (docs/formats.md). */
export type ErrorKind = 'USAGE' | 'DATA' | 'PROTOCOL' | 'FAILED' | 'STOPPED' | 'CRASHED'

const STATUS: Readonly<Record<ErrorKind, number>> = {
  USAGE: 2, // UPF, DFLTS, ids, index, PROCS, options, output not writable
  DATA: 3, // DATA_SOURCE absent, truncated or foreign Parquet, missing column, NaN
  PROTOCOL: 4, // launcher, sockets
  FAILED: 5, // finished, some RUNs failed
  STOPPED: 6, // stopped early but resumable
  CRASHED: 5, // a process that a RUN had started died
}

/**
 * The one error class. The message names subject, place, what was found and what was wanted.
 * Anything else that is thrown is a bug and keeps its stack.
 *
 * @param hint one imperative sentence: what to do now
 */
export class HedError extends Error {
  readonly kind: ErrorKind
  readonly hint: string | undefined
  constructor(kind: ErrorKind, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'HedError'
    this.kind = kind
    this.hint = options.hint
  }
}

/** What a file system says that has no room, no health or no right to be written. It may come back. */
export const DISK_FAULTS: readonly string[] = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ESTALE']

/** Was it a disk that could not be written? Threads and libraries hand on the text of a fault alone. */
export function isDiskFault(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = codeOf(at)
    if (code === undefined ? DISK_TEXT.test(at.message) : DISK_FAULTS.includes(code)) return true
  }
  return false
}

const DISK_TEXT = new RegExp(
  `\\b(${DISK_FAULTS.join('|')})\\b|no space left|read-only file system`,
  'i',
)

/**
 * A fault of the system is no bug of ours: a full disk, too few open files, a path where something else lies
 * than was made there. An error of one line that says so; others as they are.
 */
export function namingFault(error: unknown): unknown {
  if (error instanceof HedError) return error
  const options = (hint: string) => ({ hint, cause: error })
  const text = messageOf(error)
  if (isDiskFault(error))
    return new HedError(
      'USAGE',
      `the disk cannot be written: ${text}`,
      options('Make room or have it mended, then try again.'),
    )
  if (['EMFILE', 'ENFILE'].includes(codeOf(error) ?? ''))
    return new HedError(
      'USAGE',
      `too few open files are allowed: ${text}`,
      options('Raise the limit with `ulimit -n 1024`.'),
    )
  if (codeOf(error) !== undefined && error instanceof Error && 'path' in error)
    return new HedError(
      'USAGE',
      text,
      options('Look what lies there and who may read and write it.'),
    )
  return error
}

/** Exit status of whatever was thrown: 2–6 for a HedError, 1 for a bug. */
export function exitStatus(error: unknown): number {
  return error instanceof HedError ? STATUS[error.kind] : 1
}

/** Closes a switch: a forgotten variant does not compile. */
export function unreachable(x: never): never {
  throw new Error(`unreachable: ${JSON.stringify(x)}`)
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The code of a system error (`ENOENT`, `EXDEV`, ...), or undefined. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}
