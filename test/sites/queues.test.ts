import t from 'tap'
import { SITES } from '../../src/sites/builtin.js'
import { parseQueues, requireQueue } from '../../src/sites/queues.js'

const HOUR = 3600

const ask = (site: string, name: string, nodes: number, seconds: number) =>
  requireQueue(site, parseQueues(SITES[site]?.QUEUES ?? '')!, { name, nodes, seconds })

t.test('a job that its queue takes', async t => {
  for (const [site, queue, nodes, seconds] of [
    ['aurora', 'debug', 1, HOUR],
    ['aurora', 'debug-scaling', 256, 300],
    ['aurora', 'prod', 256, 12 * HOUR],
    ['aurora', 'prod', 10_624, 24 * HOUR],
    ['polaris', 'prod', 25, 6 * HOUR],
    ['polaris', 'preemptable', 10, 72 * HOUR],
    ['polaris', 'demand', 1000, HOUR], // by request
    ['aurora', 'R1234567', 3, HOUR], // a reservation
    ['slurm', 'anything', 100_000, 1], // its limits are its administrator's
  ] as const)
    t.doesNotThrow(() => ask(site, queue, nodes, seconds), `${site} ${queue} ${nodes}`)
})

t.test('a job that it would not take is refused with the queues that do', async t => {
  for (const [site, queue, nodes, seconds, message, hint] of [
    ['aurora', 'debug', 3, HOUR, /3 nodes for 1:00:00: queue debug takes 1 to 2/, /debug-scaling/],
    ['aurora', 'debug-scaling', 2, 2 * HOUR, /2 nodes for 2:00:00/, /capacity/],
    ['aurora', 'prod', 1000, 13 * HOUR, /prod takes 256 to 1024 nodes for at most 12:00:00/, /No/],
    ['aurora', 'prod', 10_625, HOUR, /10625 nodes/, /No queue takes it; debug takes/],
    [
      'aurora',
      'wrong',
      300,
      HOUR,
      /QUEUE is "wrong", aurora has debug/,
      /it: prod\. Another .* QUEUES\./,
    ],
    ['aurora', 'small', 300, HOUR, /QUEUE is "small", aurora has debug, debug-sc/, /it: prod\./],
    ['aurora', 'debug', 1, 240, /WALLTIME is 0:04:00, aurora takes no less than 0:05:00/, null],
    ['polaris', 'prod', 9, HOUR, /9 nodes/, /debug-scaling, preemptable/],
  ] as const)
    t.throws(
      () => ask(site, queue, nodes, seconds),
      { kind: 'USAGE', message, ...(hint === null ? {} : { hint }) },
      `${site} ${queue} ${nodes}`,
    )
})
