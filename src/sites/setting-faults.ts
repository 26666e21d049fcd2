import { HedError } from '../base/errors.js'
import { LAUNCHERS } from '../experiment/exp.js'
import { FLAG_ONLY, flagName, variableName, type SettingName } from './builtin.js'
import { parseQueues } from './queues.js'
import type { Merged } from './settings.js'

/** Every setting that is wrong, one error each, and DATA_SOURCE if it is unset. */
export function settingFaults({ values, origins }: Merged): HedError[] {
  const faults: HedError[] = []
  const require = (name: SettingName, isRight: boolean, want: string) => {
    if (isRight) return
    const text = `${name} is ${JSON.stringify(values[name])} (${origins[name]}), want ${want}`
    const hint = FLAG_ONLY.has(name)
      ? `Give --${flagName(name)}.`
      : `Set ${variableName(name)} in the environment, or give --${flagName(name)}.`
    faults.push(new HedError('USAGE', text, { hint }))
  }
  const isOneOf = (name: SettingName, ...choices: string[]) => choices.includes(values[name])
  const is = (name: SettingName, form: RegExp) => values[name] === '' || form.test(values[name])
  const requireInteger = (name: SettingName, least: number) => {
    const value = Number(values[name])
    const isRight = values[name].trim() !== '' && Number.isInteger(value) && value >= least
    require(name, isRight, `an integer ≥ ${least}`)
  }
  const timeout = Number(values.BENCHMARK_TIMEOUT)
  const isTime = (timeout > 0 && Number.isFinite(timeout)) || timeout === -1
  require('BENCHMARK_TIMEOUT', values.BENCHMARK_TIMEOUT !== '' && isTime, 'seconds, or -1 for none')
  require('LEASE', isLease(
    values.LEASE,
  ), 'beat,suspect,lost: ascending seconds from 0.1 to a day, such as 5,30,120')
  const time = 'H:MM:SS, M:SS or seconds, such as 1:30:00'
  require('WALLTIME', is('WALLTIME', /^\d+(:[0-5]?\d){0,2}$/), time)
  require('RANKS', isOneOf('RANKS', 'tile', 'node'), 'tile or node')
  require('ORDER', isOneOf('ORDER', 'upf', 'longest'), 'upf or longest')
  require('LAUNCHER', isOneOf('LAUNCHER', '', ...LAUNCHERS), LAUNCHERS.join(', '))
  const modules = 'names with blanks between, such as "cuda/12 python"'
  require('MODULES', is('MODULES', /^\s*[\w.+:/@=~-]+(\s+[\w.+:/@=~-]+)*\s*$/), modules)
  const devices = 'a variable and devices, such as CUDA_VISIBLE_DEVICES=0,1,2,3'
  require('TILES', is('TILES', /^\w+=[\w.,-]+$/), devices)
  const cores = 'cores for each worker of a node, such as 1-8:9-16'
  require('CPUS', is('CPUS', /^\d[\d,-]*(:\d[\d,-]*)*$/), cores)
  const queues = '"NAME LEAST-MOST H:MM:SS; …", such as "gpu 1-16 48:00:00"'
  require('QUEUES', parseQueues(values.QUEUES) !== undefined, queues)
  if (values.DATA_SOURCE === '')
    faults.push(
      new HedError('USAGE', 'DATA_SOURCE is not set: the folder with the Parquet files', {
        hint: 'Set DATA_SOURCE in the environment, or give --data-source DIR; `upf-heds data demo DIR` makes a small one.',
      }),
    )
  requireInteger('PROCS', 2)
  requireInteger('PPN', 1)
  requireInteger('THREADS', 1)
  requireInteger('MAX_FAILED', -1)
  return faults
}

function isLease(text: string): boolean {
  const lease = text.split(',').map(Number)
  const [beat, suspect, lost] = lease
  if (lease.length !== 3 || !lease.every(Number.isFinite)) return false
  return beat! >= 0.1 && beat! < suspect! && suspect! < lost! && lost! <= 86_400
}
