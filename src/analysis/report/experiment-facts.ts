import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readIfThere } from '../../base/files.js'
import * as layout from '../../experiment/layout.js'
import { upstreamDflts } from '../../experiment/upstream.js'
import type { ReadableExp } from '../run-state.js'
import { readStatus } from '../status-file.js'
import type { ExperimentFacts } from './content.js'

/** What was run, and on what. */
export function experimentFacts(exp: ReadableExp, isRunning: boolean): ExperimentFacts {
  const name = basename(exp.path)
  if ('type' in exp) {
    const { name: dflts, values: shared } = upstreamDflts(exp.path)
    return {
      ...{ name, dflts, shared, workflow: 'hed', version: null, id: null, site: null },
      ...{ created: null, upf: null, from: null, dataSource: null, data: [], machine: null },
      ...{ ended: null, isRunning: false },
    }
  }
  const { settings, workflow, version, site, created, id } = exp
  const status = isRunning ? undefined : readStatus(exp.path)
  return {
    ...{ name, workflow, version, id, site, created, isRunning },
    upf: exp.upf.name,
    dflts: exp.dflts.name,
    from: readIfThere(layout.restartFile(exp.path))?.trim() ?? null,
    dataSource: settings.DATA_SOURCE,
    data: exp.data.files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
    machine: {
      backend: settings.BACKEND,
      threads: settings.THREADS,
      procs: settings.PROCS,
      ppn: settings.PPN,
    },
    ended: status ? { reason: status.reason, time: status.ended } : null,
    shared: readDflts(join(exp.path, exp.dflts.name)),
  }
}

function readDflts(path: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, '')) as Record<string, unknown>
  } catch {
    return {} // it was right when the EXP was made; here it is a table for people
  }
}
