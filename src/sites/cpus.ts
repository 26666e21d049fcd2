import type { Settings } from '../experiment/exp.js'
import { isPrefix } from './prefix.js'

/**
 * Words before an executor's command that bind it to its cores.
 * @returns none where CPUS is not set, where the launcher has bound the rank already, and where it fails here
 */
export function binder(
  { CPUS, LAUNCHER, RANKS }: Settings,
  onFault: (text: string) => void,
): (tile: number) => readonly string[] {
  if (CPUS === '' || (LAUNCHER === 'pals' && RANKS === 'tile')) return () => []
  const lists = CPUS.split(':')
  const bind = (list: string) => ['taskset', '--cpu-list', list] as const
  const failed = lists.find(list => !isPrefix(bind(list)))
  if (failed === undefined) return tile => bind(lists[tile % lists.length]!)
  onFault(`CPUS: ${failed} cannot be bound to here; workers run on any core`)
  return () => []
}
