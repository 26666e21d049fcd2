import { constants } from 'node:os'
import koffi, { type LibraryHandle } from 'koffi'
import { messageOf } from '../../base/errors.js'

export const LIBRARIES = ['onednn', 'mkl', 'openblas', 'blis'] as const
export type LibraryName = (typeof LIBRARIES)[number]

/**
 * C = alpha · op(A) · op(B) + beta · C, row-major float32, on the calling thread alone; op transposes or not.
 *
 * @param m rows of C @param n columns of C @param k columns of op(A)
 * @param a address of A @param lda floats from one row of A to the next, as it is stored
 */
export type Gemm = (
  transA: boolean,
  transB: boolean,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  lda: number,
  b: number,
  ldb: number,
  beta: number,
  c: number,
  ldc: number,
) => void

export interface BlasLibrary {
  /** As the loader knows it. */
  readonly file: string
  /** Bound to the thread that asks: each thread that multiplies calls this for itself. */
  gemm(): Gemm
  /** Name and version, as the library says it. */
  version(): string
}

/** Names that the loader may know a library by, the newest first, and how to use it. */
const KNOWN: Readonly<
  Record<
    LibraryName,
    { readonly files: readonly string[]; readonly open: Open; readonly version: Version }
  >
> = {
  onednn: {
    files: ['libdnnl.so.3', 'libdnnl.so.2', 'libdnnl.so'],
    open: oneDnn,
    version: oneDnnVersion,
  },
  mkl: {
    files: ['libmkl_rt.so.3', 'libmkl_rt.so.2', 'libmkl_rt.so'],
    open: mkl,
    version: mklVersion,
  },
  openblas: {
    files: ['libopenblas.so.0', 'libopenblas.so'],
    open: openBlas,
    version: openBlasVersion,
  },
  blis: {
    files: ['libblis-mt.so.5', 'libblis-mt.so.4', 'libblis.so.5', 'libblis.so.4', 'libblis.so'],
    open: blis,
    version: blisVersion,
  },
}

/** @returns what makes products on the calling thread @throws if the library is another */
type Open = (library: LibraryHandle) => () => Gemm
type Version = (library: LibraryHandle) => string

/**
 * Find a library under its usual names, or at the path in UPF_HEDS_BLAS.
 * @throws Error with one line: why it does not load
 */
export function openLibrary(name: LibraryName): BlasLibrary {
  const given = process.env['UPF_HEDS_BLAS']
  const { files } = KNOWN[name]
  if (given !== undefined && given !== '') return load(given, name, `UPF_HEDS_BLAS is ${given}`)
  const present: string[] = []
  for (const file of files) {
    try {
      return load(file, name, file)
    } catch (error) {
      if (!messageOf(error).includes('No such file')) present.push(messageOf(error))
    }
  }
  throw new Error(present[0] ?? `there is no ${files.join(', ')}`)
}

/** @param subject what the message of a failure begins with */
function load(file: string, name: LibraryName, subject: string): BlasLibrary {
  const { open, version } = KNOWN[name]
  try {
    const library = koffi.load(file)
    return { file, gemm: open(library), version: () => version(library) }
  } catch (error) {
    throw new Error(`${subject}: ${reason(messageOf(error))}`, { cause: error })
  }
}

/** In koffi's words, but the same for each library that a file is not. */
function reason(message: string): string {
  if (message.startsWith('Cannot find function')) return 'it is another library'
  return message.replace(/\n.*/s, '').replace('Failed to load shared library: ', '')
}

/** With OpenMP beneath, the number of threads is each thread's own. With others it cannot be held at one. */
function oneDnn(library: LibraryHandle): () => Gemm {
  const sgemm = library.func(
    'int dnnl_sgemm(char, char, int64_t, int64_t, int64_t, float, uintptr_t, int64_t, uintptr_t, int64_t, float, uintptr_t, int64_t)',
  )
  const alone = optional(library, 'void omp_set_num_threads(int)')
  if (!alone) throw new Error('built without OpenMP: uses more threads than it is given')
  const [n, t] = [78, 84] // N, T
  return () => {
    alone(1)
    blockSignals()
    return (transA, transB, ...rest) => {
      const status: unknown = sgemm(transA ? t : n, transB ? t : n, ...rest)
      if (status !== 0) throw new Error(`dnnl_sgemm: status ${String(status)}`)
    }
  }
}

/** Those that a thread brings upon itself. */
const FAULTS = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const

/**
 * Signals to the process go to its other threads: kernels of oneDNN 2.6 keep data below the stack, where a
 * signal's handler writes, and memory is then lost.
 */
function blockSignals(): void {
  if (process.platform !== 'linux') return
  const set = Buffer.alloc(128, 0xff) // sigset_t: a bit a signal
  for (const name of FAULTS) {
    const bit = constants.signals[name] - 1
    set[bit >> 3]! &= ~(1 << (bit & 7))
  }
  const [SIG_BLOCK, libc] = [0, koffi.load(null)]
  libc.func('int pthread_sigmask(int, void *, void *)')(SIG_BLOCK, set, null)
}

function mkl(library: LibraryHandle): () => Gemm {
  const alone = library.func('int MKL_Set_Num_Threads_Local(int)')
  library.func('int MKL_Set_Interface_Layer(int)')(0) // 32-bit integers
  library.func('int MKL_Set_Threading_Layer(int)')(1) // none
  return cblas(library, () => void alone(1))
}

function openBlas(library: LibraryHandle): () => Gemm {
  // one that knows no threads keeps its buffers unlocked
  if (library.func('int openblas_get_parallel()')() === 0)
    throw new Error('built without threads: not safe to be called from several')
  const alone = library.func('void openblas_set_num_threads(int)')
  const aloneInOpenMp = optional(library, 'void omp_set_num_threads(int)')
  return cblas(library, () => {
    aloneInOpenMp?.(1)
    alone(1)
  })
}

function blis(library: LibraryHandle): () => Gemm {
  const alone = library.func('void bli_thread_set_num_threads(int64_t)')
  return cblas(library, () => void alone(1))
}

function oneDnnVersion(library: LibraryHandle): string {
  const at: unknown = library.func('void *dnnl_version()')()
  return `oneDNN ${Array.from(koffi.decode(at, 'int', 3) as ArrayLike<number>).join('.')}`
}

function mklVersion(library: LibraryHandle): string {
  const text = Buffer.alloc(200)
  optional(library, 'void mkl_get_version_string(void *, int)')?.(text, text.length)
  return (
    /^[^\0]*/
      .exec(text.toString())![0]
      .replace(/ for .*/, '')
      .trim() || 'Intel MKL'
  )
}

/** With what it was built for, of which the core tells most. */
function openBlasVersion(library: LibraryHandle): string {
  const core = library.func('str openblas_get_corename()')() as string
  const config = library.func('str openblas_get_config()')() as string
  return `${config.split(' ').slice(0, 2).join(' ')}, ${core}`
}

function blisVersion(library: LibraryHandle): string {
  return `BLIS ${library.func('str bli_info_get_version_str()')() as string}`
}

/** @param alone have the calling thread multiply on its own */
function cblas(library: LibraryHandle, alone: () => void): () => Gemm {
  const sgemm = library.func(
    'void cblas_sgemm(int, int, int, int, int, int, float, uintptr_t, int, uintptr_t, int, float, uintptr_t, int)',
  )
  const [rowMajor, plain, transposed] = [101, 111, 112]
  return () => {
    alone()
    return (transA, transB, ...rest) => {
      sgemm(rowMajor, transA ? transposed : plain, transB ? transposed : plain, ...rest)
    }
  }
}

function optional(
  library: LibraryHandle,
  definition: string,
): ReturnType<LibraryHandle['func']> | undefined {
  try {
    return library.func(definition)
  } catch {
    return undefined
  }
}

/**
 * Have the system lay a memory out in pages of 2 MB where it has them to give. With those of 4 kB a product looks up a page for
 * every row that it packs, and reading ahead ends with each: 3 % of a small batch, and of scoring. No matter if it does not.
 */
export function preferHugePages(buffer: ArrayBuffer | SharedArrayBuffer): void {
  if (process.platform !== 'linux') return
  const [MADV_HUGEPAGE, libc] = [14, koffi.load(null)]
  const advise = optional(libc, 'int madvise(uintptr_t, size_t, int)')
  advise?.(addressOf(buffer), buffer.byteLength, MADV_HUGEPAGE)
}

/** Address of a memory that never moves. */
export function addressOf(buffer: ArrayBuffer | SharedArrayBuffer): number {
  return Number(koffi.address(new Uint8Array(buffer)))
}
