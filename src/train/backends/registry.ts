import { HedError } from '../../base/errors.js'
import type { Backend } from '../trainer.js'
import { checkingRows } from './batch.js'
import { predictingOnce } from './distinct-pairs.js'

/** Every way to do the arithmetic, the fastest first down to `ort`. Each is loaded when it is asked for. */
const BACKENDS: ReadonlyMap<string, () => Promise<Backend>> = new Map([
  ['torch:cuda', async () => (await import('./torch.js')).torch('cuda')],
  ['torch:xpu', async () => (await import('./torch.js')).torch('xpu')],
  ['tfjs:node-gpu', async () => (await import('./tfjs.js')).tfjs('node-gpu')],
  ['blas:onednn', async () => (await import('./blas.js')).blas('onednn')],
  ['blas:mkl', async () => (await import('./blas.js')).blas('mkl')],
  ['blas:openblas', async () => (await import('./blas.js')).blas('openblas')],
  ['blas:blis', async () => (await import('./blas.js')).blas('blis')],
  ['ort', async () => (await import('./ort.js')).ort],
  ['torch:cpu', async () => (await import('./torch.js')).torch('cpu')],
  ['torch:cuda:tf32', async () => (await import('./torch.js')).torch('cuda', 'tf32')],
  ['torch:cuda:bf16', async () => (await import('./torch.js')).torch('cuda', 'bf16')],
  ['torch:xpu:bf16', async () => (await import('./torch.js')).torch('xpu', 'bf16')],
  ['tfjs:node', async () => (await import('./tfjs.js')).tfjs('node')],
  ['tfjs:webgpu', async () => (await import('./tfjs.js')).tfjs('webgpu')],
  ['tfjs:cpu', async () => (await import('./tfjs.js')).tfjs('cpu')],
])

/** Names that `chooseBackend` knows, besides `auto`, and `blas`, `torch` or `tfjs` for the first of that kind. */
export const backendNames: readonly string[] = [...BACKENDS.keys()]

/** What `auto` chooses from. The others are slower than `ort`, which is always there. */
const AUTOMATIC = backendNames.slice(0, backendNames.indexOf('ort') + 1)

/**
 * The backend of that name, whether or not it loads here.
 * @throws HedError USAGE naming those that exist
 */
export async function backend(name: string): Promise<Backend> {
  const load = BACKENDS.get(name)
  if (!load) throw unusable(name, 'no such backend')
  return checkingRows(predictingOnce(await load()))
}

/**
 * The backend of that name, or with `auto` the first that loads here, with `blas` or `tfjs` the first of that kind.
 * @param isElsewhere it will run on other machines: a name is not asked to load here
 * @returns also why it was chosen and why others did not load: one line for the log and exp.json
 * @throws HedError USAGE naming those that exist, and why those tried do not load
 */
export async function chooseBackend(
  name: string,
  isElsewhere = false,
): Promise<{ readonly backend: Backend; readonly why: string }> {
  if (isElsewhere && BACKENDS.has(name))
    return { backend: await backend(name), why: `${name}: asked for, and not looked for here` }
  const refused = new Map<string, string[]>() // by reason: several backends may lack the same
  // its own name before its kind: torch:cuda:tf32 is no torch:cuda
  const candidates =
    name === 'auto'
      ? AUTOMATIC
      : BACKENDS.has(name)
        ? [name]
        : backendNames.filter(each => each.startsWith(`${name}:`))
  for (const candidate of candidates.length > 0 ? candidates : [name]) {
    const found = await backend(candidate)
    const reason = await found.unavailable()
    if (reason === undefined) {
      const why = name === candidate ? 'asked for' : 'the fastest that loads here'
      return { backend: found, why: [`${candidate}: ${why}`, ...reasons(refused)].join('; ') }
    }
    refused.set(reason, [...(refused.get(reason) ?? []), candidate])
  }
  throw unusable(name, reasons(refused).join('; '))
}

/** One text a reason. */
function reasons(refused: ReadonlyMap<string, readonly string[]>): string[] {
  return [...refused].map(
    ([reason, names]) =>
      `${names.join(', ')} ${names.length > 1 ? 'do' : 'does'} not load: ${reason}`,
  )
}

function unusable(name: string, why: string): HedError {
  const misled = why.includes('UPF_HEDS_BLAS')
  return new HedError(
    'USAGE',
    `BACKEND is ${JSON.stringify(name)} (${why}), want auto, blas, torch, tfjs or one of: ${backendNames.join(', ')}`,
    {
      hint: misled
        ? 'Unset UPF_HEDS_BLAS, or have it name a BLAS library.'
        : 'Set BACKEND=auto, or install what is missing.',
    },
  )
}
