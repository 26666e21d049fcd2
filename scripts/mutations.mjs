// The safeguards whose loss a test must see; scripts/mutate.mjs tries them.
// `find` must occur exactly once in `file`; every one of `tests` must fail with `replace` in its place.
import { onDisk } from './mutations-disk.mjs'

const LIMITS = 'test/engine/leader-limits.test.ts'
const ANSWERS = 'test/engine/leader-answers.test.ts'
const RECONCILE = 'test/engine/leader-reconcile.test.ts'
const LEASES = 'test/engine/leader-leases.test.ts'
const QUARANTINE = 'test/engine/leader-quarantine.test.ts'
const AGENT = 'test/engine/agent-answers.test.ts'

/** What leader and agent decide. */
const decisions = [
  // answers
  {
    name: 'ended-of-old-attempt',
    file: 'src/engine/answers.ts',
    find: '!isOwn || run.attempt !== attempt)',
    replace: '!isOwn)',
    tests: [ANSWERS],
    why: 'an answer said twice would end the attempt that runs now',
  },
  {
    name: 'ended-by-another-agent',
    file: 'src/engine/answers.ts',
    find: '!isOwn || run.attempt !== attempt)',
    replace: 'run.attempt !== attempt)',
    tests: [ANSWERS],
    why: 'an agent could end a RUN that another has',
  },
  {
    name: 'progress-of-old-attempt',
    file: 'src/engine/leader.ts',
    find: ' || run.attempt !== message.attempt)',
    replace: ')',
    tests: [ANSWERS],
    why: 'epochs of an attempt given up would be shown',
  },
  {
    name: 'ack-before-journal',
    file: 'src/engine/attempts.ts',
    find: 'then: [ack],\n    },',
    replace: 'then: [] },\n    ack,',
    tests: [LIMITS],
    why: 'an answer acked before it is durable is lost with the leader',
  },
  {
    name: 'answer-not-kept',
    file: 'src/engine/slots.ts',
    find: 'agent.unacked.set(key, message)',
    replace: '',
    tests: [AGENT],
    why: 'an answer that the leader never saw would not be said again',
  },
  {
    name: 'answered-run-begun-again',
    file: 'src/engine/agent.ts',
    find: 'if (agent.answered.has(key)) return []',
    replace: '',
    tests: [AGENT],
    why: 'an order that is said again after its answer would be worked twice',
  },
  {
    name: 'old-runs-kept',
    file: 'src/engine/agent.ts',
    find: '...lost.flatMap(h => cancel(agent, h, now)),',
    replace: '',
    tests: [AGENT],
    why: 'an agent would go on with a RUN that the next leader gave to another',
  },
  // what was lost on the way, and what an earlier leader gave out
  {
    name: 'order-not-said-again',
    file: 'src/engine/reconcile.ts',
    find: 'if (isOld && ',
    replace: 'if (false && ',
    tests: [RECONCILE],
    why: 'a RUN whose order was lost would wait for ever',
  },
  {
    name: 'order-said-again-at-once',
    file: 'src/engine/reconcile.ts',
    find: 'leader.now - run.given > 2 * leader.settings.beat',
    replace: 'true',
    tests: [RECONCILE],
    why: 'every order on its way would be sent twice',
  },
  {
    name: 'strays-left-alone',
    file: 'src/engine/reconcile.ts',
    find: 'return isOwn ?',
    replace: 'return isOwn || run !== null ?',
    tests: [RECONCILE],
    why: 'two agents would work on one RUN',
  },
  {
    name: 'orphan-given-again',
    file: 'src/engine/leader-state.ts',
    find: 'before.orphans.has(id)',
    replace: 'false',
    tests: [RECONCILE],
    why: 'a leader that was restarted would have every RUN done twice',
  },
  {
    name: 'old-attempt-adopted',
    file: 'src/engine/leader.ts',
    find: '|| run.attempt !== attempt) continue',
    replace: ') continue',
    tests: [RECONCILE],
    why: 'an attempt that is fenced off would count as the one that runs',
  },
  {
    name: 'orphan-for-ever',
    file: 'src/engine/leader.ts',
    find: 'now - leader.orphansSince > lost',
    replace: 'false',
    tests: [RECONCILE],
    why: 'a RUN whose agent died with the leader would never end',
  },
  // limits
  {
    name: 'no-crash-limit',
    file: 'src/engine/fates.ts',
    find: 'after.crashes + lost < limits.crashLimit',
    replace: 'true',
    tests: [LIMITS],
    why: 'a RUN that kills its executor would do so for ever',
  },
  {
    name: 'no-retries-limit',
    file: 'src/engine/fates.ts',
    find: 'after.failures <= limits.retries',
    replace: 'true',
    tests: [LIMITS],
    why: 'a RUN that fails would be tried for ever',
  },
  {
    name: 'bad-data-retried',
    file: 'src/engine/fates.ts',
    find: "if (fate === 'bad-data') return false",
    replace: '',
    tests: [LIMITS],
    why: 'no attempt makes wrong data right',
  },
  {
    name: 'losses-never-count',
    file: 'src/engine/fates.ts',
    find: 'const FREE_LOSSES = 2',
    replace: 'const FREE_LOSSES = Infinity',
    tests: [LIMITS],
    why: 'a RUN that takes its node down would take them all',
  },
  {
    name: 'losses-count-at-once',
    file: 'src/engine/fates.ts',
    find: 'const FREE_LOSSES = 2',
    replace: 'const FREE_LOSSES = 0',
    tests: [LIMITS],
    why: 'a node lost now and then is not the fault of its RUN',
  },
  {
    name: 'memory-doubled-for-ever',
    file: 'src/engine/attempts.ts',
    find: 'if (run.memoryFactor === 2) return false',
    replace: '',
    tests: [LIMITS],
    why: 'a RUN that needs all memory would be tried for ever',
  },
  {
    name: 'no-limit-of-failed-runs',
    file: 'src/engine/attempts.ts',
    find: 'leader.counts.failed > maxFailed',
    replace: 'false',
    tests: [LIMITS],
    why: 'a sweep in which all fails would use up the job',
  },
  {
    name: 'newer-attempt-goes-on',
    file: 'src/engine/attempts.ts',
    find: 'if (holder && ',
    replace: 'if (false && ',
    tests: [LIMITS],
    why: 'work that nobody needs',
  },
  {
    name: 'finished-twice',
    file: 'src/engine/attempts.ts',
    find: "if (!run || run.state === 'finished')",
    replace: 'if (!run)',
    tests: [LIMITS],
    why: 'a RUN would be accepted and counted twice',
  },
  // nodes
  {
    name: 'no-quarantine',
    file: 'src/engine/nodes.ts',
    find: 'node.quarantined = true',
    replace: '',
    tests: [QUARANTINE],
    why: 'a bad node would use up the attempts of every RUN',
  },
  {
    name: 'quarantine-for-bad-runs',
    file: 'src/engine/nodes.ts',
    find: 'if (!isInnocent || ',
    replace: 'if (',
    tests: [QUARANTINE],
    why: 'RUNs that fail everywhere would take the nodes away',
  },
  {
    name: 'last-node-quarantined',
    file: 'src/engine/nodes.ts',
    find: 'node.quarantined = false',
    replace: '',
    tests: [QUARANTINE],
    why: 'a sweep with nobody left to work would wait for ever',
  },
  // leases
  {
    name: 'stall-not-subtracted',
    file: 'src/engine/leader.ts',
    find: 'agent.heard += seconds',
    replace: 'agent.heard += 0 * seconds',
    tests: [LEASES],
    why: 'a leader that stood still would declare all its agents lost',
  },
  {
    name: 'suspect-gets-runs',
    file: 'src/engine/leader.ts',
    find: 'silent > suspect &&',
    replace: 'false &&',
    tests: [LEASES],
    why: 'RUNs would be given to an agent that is perhaps dead',
  },
  {
    name: 'never-lost',
    file: 'src/engine/leader.ts',
    find: 'silent > lost)',
    replace: 'false)',
    tests: [LEASES],
    why: 'RUNs of a silent agent would never be given out again',
  },
  {
    name: 'agent-not-fenced',
    file: 'src/engine/agent.ts',
    find: 'now - agent.heard > agent.settings.lost',
    replace: 'false',
    tests: [AGENT],
    why: 'an agent cut off would train on what others train now',
  },
]

export const mutations = [...decisions, ...onDisk]
