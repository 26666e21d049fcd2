import { spawnSync } from 'node:child_process'

/** $PYTHON, the first on PATH, and Debian's own, whose modules apt-get installs. */
const PYTHONS = [process.env['PYTHON'], 'python3', '/usr/bin/python3']

/** The first Python that has all these modules, or why a test that needs them is skipped. */
export function pythonWith(
  ...modules: readonly string[]
): { readonly python: string } | { readonly skip: string } {
  const look = `import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))`
  for (const python of PYTHONS)
    if (python && spawnSync(python, ['-c', look, ...modules]).status === 0) return { python }
  return { skip: `no python3 here has ${modules.join(' and ')}; PYTHON may name one` }
}

/** Run a script to its end. @returns what it printed, as JSON. @throws Error with its last words */
export function runPython(python: string, script: string, ...args: readonly string[]): unknown {
  const ended = spawnSync(python, [script, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '' },
  })
  if (ended.status !== 0) throw new Error(`${script} ended with ${ended.status}: ${ended.stderr}`)
  return JSON.parse(ended.stdout)
}
