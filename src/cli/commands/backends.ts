import type { CommandModule } from 'yargs'

interface Args {
  threads: string | undefined
  backend: string | undefined
  json: boolean | undefined
}

export const backends: CommandModule<object, Args> = {
  command: 'backends',
  describe: 'what can compute here: self-test, samples/s, which one auto takes',
  builder: y =>
    y
      .option('threads', { type: 'string', describe: 'CPU threads (THREADS, or all)' })
      .option('backend', { type: 'string', describe: 'this one alone, or all of a kind (blas)' })
      .option('json', { type: 'boolean', describe: 'print JSON' })
      .example('$0 backends', '')
      .example('$0 backends --threads 8 --backend blas', ''),
  handler: async ({ threads, backend = 'auto', json = false }) => {
    const { availableParallelism } = await import('node:os')
    const { count } = await import('../count.js')
    const { listBackends } = await import('../list-backends.js')
    const many = threads ?? process.env['THREADS'] ?? String(availableParallelism())
    await listBackends(backend, count(many, 'THREADS', 1), json)
  },
}
