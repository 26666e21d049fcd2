import { HedError, messageOf } from '../base/errors.js'

/** An error as a person, or with `json` a program, shall read it: on stderr. */
export function report(error: unknown, json: boolean): void {
  if (!(error instanceof HedError)) {
    console.error(error) // a bug: it keeps its stack
    return
  }
  const { kind, hint } = error
  if (json) console.error(JSON.stringify({ kind, message: messageOf(error), hint }))
  else {
    console.error(`upf-heds: ${error.message}`)
    if (hint !== undefined) console.error(`hint: ${hint}`)
  }
}
