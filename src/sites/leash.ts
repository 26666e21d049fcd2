import { isPrefix } from './prefix.js'

const LEASH = ['setpriv', '--pdeathsig', 'KILL'] as const

/**
 * Words before an executor's command by which the kernel kills it when its agent dies. It ends by itself as soon as it
 * hears of that, which in a busy loop it never does.
 * @returns none where there is no setpriv that can do it (util-linux has it since 2.33)
 */
export function leash(): readonly string[] {
  return isPrefix(LEASH) ? LEASH : []
}
