declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** Id of one UPF line, and the name of its RUN directory: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`. */
export type RunId = Brand<string, 'RunId'>
/** Place of a process in the job, 0-based; rank 0 leads. */
export type Rank = Brand<number, 'Rank'>

const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** A RunId, or undefined where the text is none: no `/`, no `..` at the start, at most 64 characters. */
export function runId(text: unknown): RunId | undefined {
  return typeof text === 'string' && RUN_ID.test(text) ? (text as RunId) : undefined
}

/** @param n an integer ≥ 0 */
export function rank(n: number): Rank {
  return n as Rank
}
