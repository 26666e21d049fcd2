import { setFlagsFromString } from 'node:v8'

/** Bytes of bytecode that a function runs between two looks at whether to optimise it; V8's own is 67,584. */
const BUDGET = 1_000_000

/**
 * From here on V8 optimises only what runs for long. The processes of a sweep are many on few cores and most
 * of their code runs a few thousand times: compiling it costs more than it saves. What does run for long is
 * optimised some ten milliseconds later than it would be.
 */
export function optimiseLate(): void {
  setFlagsFromString(`--interrupt-budget=${BUDGET}`)
}
