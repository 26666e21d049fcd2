// Make file-system calls of a process fail, from its N-th that changes something on.
//
//     NODE_OPTIONS=--import=file:///…/fs-faults.mjs
//     FS_FAULT_DIR     only calls on paths below it count, by name or by descriptor
//     FS_FAULT_CODE    ENOSPC (default), EIO, EROFS, …
//     FS_FAULT_AT      number of the first call that fails, from 1; 0 or unset: none, only count
//     FS_FAULT_COUNT   how many calls in a row fail; default 1
//     FS_FAULT_WHILE   a file: as long as it is there every such call fails, with the code in it;
//                      FREEZE: it returns only when the file is gone, and calls that only read wait too
//     FS_FAULT_LOG     at exit a line of JSON is appended: { pid, argv, calls, failed: [call, …] }
//     FS_FAULT_ONLY    regular expression: only processes whose argv, joined by spaces, matches
//
// Counted: open for writing, write, fsync, fdatasync, rename, mkdir, appendFile, writeFile, and the same of
// a FileHandle; callbacks, promises and sync. A call that another makes inside of node:fs is not counted
// again. Each thread counts for itself. Descriptors are looked up in /proc: Linux only.
import * as namespace from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { constants } from 'node:os'
import { resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const fs = namespace.default
const {
  FS_FAULT_DIR: folder,
  FS_FAULT_CODE: code = 'ENOSPC',
  FS_FAULT_AT: at = '0',
  FS_FAULT_COUNT: count = '1',
  FS_FAULT_WHILE: flag,
  FS_FAULT_LOG: log,
  FS_FAULT_ONLY: only,
} = process.env
const original = { ...fs }
const [from, to] = [Number(at), Number(at) + Number(count) - 1]
const FREEZE = Symbol('freeze')
const failed = []
let calls = 0

if (folder !== undefined && (only === undefined || new RegExp(only).test(process.argv.join(' ')))) {
  const root = resolve(folder)
  await patch(root)
  process.on('exit', () => {
    const line = JSON.stringify({ pid: process.pid, argv: process.argv.slice(1), calls, failed })
    if (log) original.appendFileSync(log, `${line}\n`)
  })
}

async function patch(root) {
  const first = args => [args[0]]
  /** Which of a call's arguments are paths or descriptors. */
  const writes = {
    open: args => (forWriting(args[1]) ? [args[0]] : []),
    rename: args => [args[0], args[1]],
    ...Object.fromEntries(
      'write writev fsync fdatasync ftruncate mkdir appendFile writeFile'
        .split(' ')
        .map(name => [name, first]),
    ),
  }
  const reads = Object.fromEntries(
    'readFile readdir stat access rm unlink'.split(' ').map(name => [name, first]),
  )
  const isHere = path => path === root || path?.startsWith(root + sep)
  /** What becomes of this call: undefined if nothing. */
  const judge = (name, things, isRead) => {
    const paths = things.map(pathOf)
    if (!paths.some(isHere)) return undefined
    const lasting = flag && tryRead(flag)
    if (lasting === 'FREEZE') return FREEZE
    if (isRead) return undefined
    calls++
    if (!lasting && (from < 1 || calls < from || calls > to)) return undefined
    failed.push(`${calls} ${name} ${paths.join(' ')}`)
    return failure(lasting || code, name, paths[0])
  }
  for (const [name, of] of [...Object.entries(writes), ...Object.entries(reads)]) {
    const { [name]: later, [`${name}Sync`]: now } = fs
    const promised = fs.promises[name]
    const isRead = name in reads
    fs[name] = keep(later, (...args) => {
      const fault = judge(name, of(args), isRead)
      if (fault === FREEZE) void thawed().then(() => later(...args))
      else if (fault) process.nextTick(args.at(-1), fault)
      else later(...args)
    })
    fs[`${name}Sync`] = keep(now, (...args) => {
      const fault = judge(name, of(args), isRead)
      if (fault === FREEZE) waitThawed()
      else if (fault) throw fault
      return now(...args)
    })
    if (promised)
      fs.promises[name] = keep(promised, async (...args) => {
        const fault = judge(name, of(args), isRead)
        if (fault === FREEZE) await thawed()
        else if (fault) throw fault
        return promised(...args)
      })
  }
  const handle = await fs.promises.open(fileURLToPath(import.meta.url))
  const prototype = Object.getPrototypeOf(handle)
  await handle.close()
  for (const name of 'write writev writeFile appendFile sync datasync truncate'.split(' ')) {
    const method = prototype[name]
    prototype[name] = keep(method, async function (...args) {
      const fault = judge(`FileHandle.${name}`, [this], false)
      if (fault === FREEZE) await thawed()
      else if (fault) throw fault
      return method.apply(this, args)
    })
  }
  syncBuiltinESMExports()
}

/** Name, length and promisified form as before. */
function keep(before, after) {
  return Object.defineProperties(after, Object.getOwnPropertyDescriptors(before))
}

function forWriting(flags) {
  if (typeof flags === 'number')
    return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0
  return typeof flags === 'string' && /[wa+]/.test(flags)
}

/** Absolute path of a path, URL, descriptor or FileHandle; undefined for a pipe or a closed one. */
function pathOf(thing) {
  const fd = typeof thing === 'number' ? thing : thing?.fd
  if (typeof fd === 'number')
    try {
      return original.readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return undefined
    }
  if (thing instanceof URL) return fileURLToPath(thing)
  return resolve(String(thing))
}

async function thawed() {
  while (tryRead(flag) === 'FREEZE') await new Promise(done => setTimeout(done, 20))
}

function waitThawed() {
  const never = new Int32Array(new SharedArrayBuffer(4))
  while (tryRead(flag) === 'FREEZE') Atomics.wait(never, 0, 0, 20)
}

function tryRead(path) {
  try {
    return original.readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

function failure(code, syscall, path) {
  const errno = -(constants.errno[code] ?? 5)
  const error = new Error(`${code}: injected fault, ${syscall} '${path}'`)
  return Object.assign(error, { code, errno, syscall, path })
}
