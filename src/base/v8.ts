import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of bytecode that a function runs between two looks at whether to optimise it; V8's own is 67,584. */
const BUDGET = 8_000_000

/**
 * From here on V8 optimises only what runs for long. The processes of a sweep are many on few cores and most
 * of their code runs a few thousand times: compiling it costs more than it saves. What does run for long is
 * optimised some ten milliseconds later than it would be.
 */
export function optimiseLate(): void {
  setFlagsFromString(`--interrupt-budget=${BUDGET}`)
}

/** Seconds between two whole collections. Of an agent's few MB one takes some milliseconds. */
const COLLECT_SECONDS = 60

/**
 * From here on this process stays as small as it is. V8's space for new objects would grow to 48 MB; and
 * what is old and dead would lie about for hours, as V8 looks for it at some tens of MB alone: 25 MB an hour
 * in an agent of little work, and a node of GPUs has a hundred of them.
 */
export function staySmall(everySeconds = COLLECT_SECONDS): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setInterval(collect, everySeconds * 1000).unref()
}
