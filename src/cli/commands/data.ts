import type { CommandModule } from 'yargs'
import { MANY } from '../many.js'
import { group } from './group.js'

interface DemoArgs {
  dir: string
}

interface InfoArgs {
  files: string[]
  json: boolean | undefined
}

const demo: CommandModule<object, DemoArgs> = {
  command: 'demo <dir>',
  describe: 'make a small synthetic data set in DIR',
  builder: y =>
    y
      .positional('dir', { type: 'string', demandOption: true, describe: 'folder to fill' })
      .example('$0 data demo demo-data', ''),
  handler: async ({ dir }) => {
    const { makeDemoData } = await import('../../../workflows/hed/demo-data.js')
    const { print } = await import('../print.js')
    print(await makeDemoData(dir))
  },
}

const info: CommandModule<object, InfoArgs> = {
  command: 'info <files..>',
  describe: 'rows, bytes, columns and drugs of Parquet files',
  builder: y =>
    y
      .parserConfiguration(MANY)
      .positional('files', { type: 'string', array: true, demandOption: true })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 data info demo-data/*.parquet', ''),
  handler: async ({ files, json }) => {
    const { parquetInfo, infoLines } = await import('../../analysis/data-info.js')
    const { print, printJson } = await import('../print.js')
    const infos = await Promise.all(files.map(parquetInfo))
    if (json) printJson(infos)
    else print(infos.flatMap(infoLines))
  },
}

export const data = group('data', 'demo data, and what Parquet files hold', [demo, info])
