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
}

/** Names that the loader may know a library by, the newest first, and how to use it. */
const KNOWN: Readonly<
  Record<LibraryName, { readonly files: readonly string[]; readonly open: Open }>
> = {
  onednn: {
    files: ['libdnnl.so.3', 'libdnnl.so.2', 'libdnnl.so'],
    open: oneDnn,
  },
  mkl: {
    files: ['libmkl_rt.so.3', 'libmkl_rt.so.2', 'libmkl_rt.so'],
    open: mkl,
  },
  openblas: {
    files: ['libopenblas.so.0', 'libopenblas.so'],
    open: openBlas,
  },
  blis: {
    files: ['libblis-mt.so.5', 'libblis-mt.so.4', 'libblis.so.5', 'libblis.so.4', 'libblis.so'],
    open: blis,
  },
}

/** @returns what makes products on the calling thread @throws if the library is another */
type Open = (library: LibraryHandle) => () => Gemm

/**
 * Find a library under its usual names, or at the path in UPF_HEDS_BLAS.
 * @throws Error with one line: why it does not load
 */
export function openLibrary(name: LibraryName): BlasLibrary {
  const given = process.env['UPF_HEDS_BLAS']
  const { files, open } = KNOWN[name]
  if (given !== undefined && given !== '') return load(given, open, `UPF_HEDS_BLAS: ${given}: `)
  const present: string[] = []
  for (const file of files) {
    try {
      return load(file, open, `${file}: `)
    } catch (error) {
      if (!messageOf(error).includes('No such file')) present.push(messageOf(error))
    }
  }
  throw new Error(present[0] ?? `there is no ${files.join(', ')}`)
}

function load(file: string, open: Open, prefix: string): BlasLibrary {
  try {
    return { file, gemm: open(koffi.load(file)) }
  } catch (error) {
    throw new Error(prefix + messageOf(error).replace(/\n.*/s, ''), { cause: error })
  }
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
    return (transA, transB, ...rest) => {
      const status: unknown = sgemm(transA ? t : n, transB ? t : n, ...rest)
      if (status !== 0) throw new Error(`dnnl_sgemm: status ${String(status)}`)
    }
  }
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

/** Address of a memory that never moves. */
export function addressOf(buffer: ArrayBuffer | SharedArrayBuffer): number {
  return Number(koffi.address(new Uint8Array(buffer)))
}
