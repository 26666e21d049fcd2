import { statSync } from 'node:fs'
import { readCells } from '../../workflows/hed/data.js'
import { testedCells } from '../analysis/cells.js'
import { namesGaps, tellGap } from './gaps.js'
import { openForReading } from './open-named.js'

/** Cells in order of first appearance, of a response file or of an EXP. @throws HedError USAGE, DATA */
export async function listCells(source: string): Promise<readonly string[]> {
  const isFile = statSync(source, { throwIfNoEntry: false })?.isFile() ?? false
  if (isFile || source.endsWith('.parquet')) return readCells(source)
  const exp = openForReading(source)
  return testedCells(exp, namesGaps(exp), tellGap)
}
