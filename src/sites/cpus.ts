import { spawnSync } from 'node:child_process'
import type { Settings } from '../experiment/exp.js'

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
  const bind = (list: string) => ['taskset', '--cpu-list', list]
  const failed = lists.find(list => {
    const [program, ...args] = [...bind(list), 'true']
    return spawnSync(program, args).status !== 0
  })
  if (failed === undefined) return tile => bind(lists[tile % lists.length]!)
  onFault(`CPUS: ${failed} cannot be bound to here; workers run on any core`)
  return () => []
}
