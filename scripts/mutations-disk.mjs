// The part of mutations.mjs that is about files and frames: journal, lock, marker, what is read and how.

const JOURNAL_PROPERTY = 'test/engine/journal.property.test.ts'
const PROTOCOL_PROPERTY = 'test/engine/protocol.property.test.ts'
const LOCK_FENCE = 'test/engine/lock-fence.test.ts'
const ATTEMPT = 'test/engine/attempt.test.ts'
const FILES = 'test/base/files.test.ts'
const MARKER = 'test/experiment/marker.test.ts'
const UPF = 'test/experiment/upf.test.ts'
const UPF_PROPERTY = 'test/experiment/upf.property.test.ts'

export const onDisk = [
  // journal
  {
    name: 'journal-no-crc',
    file: 'src/experiment/journal.ts',
    find: 'bytes.readUInt32LE(at + 4) !== crc32(bytes.subarray(at + 8, end))',
    replace: 'false',
    tests: [JOURNAL_PROPERTY],
    why: 'damaged records would be read as if they were good',
  },
  {
    name: 'journal-no-resync',
    file: 'src/experiment/journal.ts',
    find: 'const next = bytes.indexOf(MARK, at + 1)',
    replace: 'const next = -1',
    tests: [JOURNAL_PROPERTY],
    why: 'all that follows a damaged place would be lost',
  },
  {
    name: 'journal-not-synced',
    file: 'src/engine/journal.ts',
    find: 'await file.datasync()',
    replace: '',
    tests: ['test/engine/journal-sync.test.ts'],
    why: 'a power cut would take records that were said to be durable',
  },
  {
    name: 'journal-sync-not-awaited',
    file: 'src/engine/journal.ts',
    find: 'await file.datasync()',
    replace: 'void file.datasync().catch(() => undefined)',
    tests: ['test/engine/journal-sync.test.ts'],
    why: 'records would be said to be durable while they are being written',
  },
  // lock
  {
    name: 'living-holder-ignored',
    file: 'src/engine/lock.ts',
    find: 'if (alive) throw busy(held)',
    replace: '',
    tests: ['test/engine/lock.test.ts', LOCK_FENCE],
    why: 'two leaders on one EXP',
  },
  {
    name: 'reused-pid-is-holder',
    file: 'src/engine/lock.ts',
    find: 'startTime(held.pid) === held.start',
    replace: "startTime(held.pid) !== ''",
    tests: [LOCK_FENCE],
    why: 'an EXP could not be resumed because of a stranger with an old pid',
  },
  {
    name: 'boot-not-compared',
    file: 'src/engine/lock.ts',
    find: 'held.boot === mine.boot && ',
    replace: '',
    tests: [LOCK_FENCE],
    why: 'an EXP could not be resumed after a reboot',
  },
  {
    name: 'epoch-shared',
    file: 'src/engine/lock.ts',
    find: "String(epoch)), 'wx')",
    replace: "String(epoch)), 'w')",
    tests: [LOCK_FENCE],
    why: 'two leaders of one epoch: no fence tells them apart',
  },
  {
    name: 'takes-any-lock-away',
    file: 'src/engine/lock.ts',
    find: 'if (JSON.stringify(readHolder(file)) !== JSON.stringify(held)) return',
    replace: '',
    tests: [LOCK_FENCE],
    why: 'of two that find a dead leader, the slower would take away the lock of the quicker',
  },
  {
    name: 'releases-any-lock',
    file: 'src/engine/lock.ts',
    find: 'holder.host === mine.host)',
    replace: 'true)',
    tests: [LOCK_FENCE],
    why: 'a leader that was taken over would release the lock of the next',
  },
  // marker
  {
    name: 'marker-unfenced',
    file: 'src/engine/attempt.ts',
    find: 'await fence()\n',
    replace: '\n',
    tests: [ATTEMPT],
    why: 'an attempt that was taken over would still declare itself finished',
  },
  {
    name: 'fence-ignores-leader',
    file: 'src/engine/fence.ts',
    find: 'if (found && found.epoch <= epoch.value()) return',
    replace: 'if (found) return',
    tests: [ATTEMPT],
    why: 'a RUN of an earlier leader would go on beside that of the next',
  },
  {
    name: 'fence-ignores-attempt',
    file: 'src/engine/fence.ts',
    find: ' !== ownership)',
    replace: " === 'nobody')",
    tests: [ATTEMPT],
    why: 'two attempts would write into one directory',
  },
  {
    name: 'marker-first',
    file: 'src/engine/attempt.ts',
    find: 'const outcome = await session.run({',
    replace: `await writeMarker(exp, run, { attempt, epochs: 0, reason: 'completed', outputs: [], params: order.digest, data: task.data, seed: 0 })
  const outcome = await session.run({`,
    tests: [ATTEMPT],
    why: 'a RUN killed while it trains would count as finished',
  },
  {
    name: 'marker-not-read-back',
    file: 'src/engine/attempt.ts',
    find: 'if (!found.valid)',
    replace: 'if (found === undefined)',
    tests: [ATTEMPT],
    why: 'a marker that no restart accepts would be told to the leader',
  },
  {
    name: 'marker-of-other-params',
    file: 'src/experiment/marker.ts',
    find: 'marker.params !== expected.params',
    replace: 'false',
    tests: [MARKER],
    why: 'a restart would keep results of other hyperparameters',
  },
  {
    name: 'marker-of-other-data',
    file: 'src/experiment/marker.ts',
    find: 'marker.data !== expected.data',
    replace: 'false',
    tests: [MARKER],
    why: 'a restart would keep results of other data',
  },
  {
    name: 'marker-crc-ignored',
    file: 'src/experiment/marker.ts',
    find: 'if (verify && crc32(',
    replace: 'if (false && crc32(',
    tests: [MARKER],
    why: '--verify would not see changed bytes',
  },
  // files
  {
    name: 'rename-before-sync',
    file: 'src/base/files.ts',
    find: 'await file.sync()',
    replace: '',
    tests: [FILES],
    why: 'after a power cut the new name could hold no bytes',
  },
  {
    name: 'rename-before-sync-sync',
    file: 'src/base/files.ts',
    find: 'fs.fsyncSync(fd)',
    replace: '',
    tests: [FILES],
    why: 'the same in the synchronous form',
  },
  {
    name: 'rename-not-durable',
    file: 'src/base/files.ts',
    find: 'await syncDirectory(dirname(path))',
    replace: '',
    tests: [FILES],
    why: 'a marker that was acked could be gone after a power cut',
  },
  {
    name: 'disk-asked-once',
    file: 'src/engine/disk.ts',
    find: 'if (wait === undefined || ',
    replace: 'if (wait !== undefined || ',
    tests: ['test/engine/disk.test.ts'],
    why: 'a disk that is full for a second would fail every RUN that begins or ends in it',
  },
  // connections
  {
    name: 'never-dials-again',
    file: 'src/engine/agent-process.ts',
    find: '    redial()\n',
    replace: '',
    tests: ['test/e2e/network.test.ts'],
    why: 'a connection that is dead without a word would cost the RUN',
  },
  // parsers
  {
    name: 'protocol-any-run',
    file: 'src/engine/protocol.ts',
    find: 'runId(run) !== undefined',
    replace: 'true',
    tests: [PROTOCOL_PROPERTY],
    why: 'the leader trusts no field: a RUN is a file name',
  },
  {
    name: 'protocol-any-fate',
    file: 'src/engine/protocol.ts',
    find: 'FATES.includes(fate as Fate)',
    replace: 'true',
    tests: [PROTOCOL_PROPERTY],
    why: 'a fate that nobody knows would count as none',
  },
  {
    name: 'upf-same-id-twice',
    file: 'src/experiment/upf.ts',
    find: 'if (earlier !== undefined)',
    replace: 'if (earlier === -1)',
    tests: [UPF, UPF_PROPERTY],
    why: 'two RUNs in one directory',
  },
  {
    name: 'upf-first-fault-only',
    file: 'src/experiment/upf.ts',
    find: 'problem(object)\n      continue',
    replace: 'problem(object)\n      break',
    tests: [UPF, UPF_PROPERTY],
    why: 'all faults of a UPF are told at once',
  },
]
