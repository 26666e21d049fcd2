import { readFileSync } from 'node:fs'
import t from 'tap'
import { REPLACED } from '../../src/experiment/plan.js'
import type { Params } from '../../src/experiment/workflow.js'
import {
  DEFAULTS,
  FIXED,
  IDLE,
  KNOWN,
  readHyperparameters,
} from '../../workflows/hed/hyperparameters.js'

interface Row {
  readonly name: string
  /** As JSON; undefined: none. */
  readonly usual: unknown
  readonly original: unknown
  readonly effect: string
}

/** The table of docs/hyperparameters.md, with STACK and I written out. */
const rows = readFileSync('docs/hyperparameters.md', 'utf8')
  .split('\n')
  .filter(line => line.startsWith('| `'))
  .flatMap((line): Row[] => {
    const [, name = '', usual, original, effect = ''] = line
      .split(/(?<!\\)\|/)
      .map(cell => cell.trim())
    const value = (text = '') => (text === '–' ? undefined : (JSON.parse(text) as unknown))
    const stacks = name.includes('STACK') ? ['canc', 'drug', 'interaction'] : ['']
    const layers = name.includes('_I_') ? [1, 5, 9] : ['']
    return stacks.flatMap(stack =>
      layers.map(layer => ({
        name: name.replaceAll('`', '').replace('STACK', stack).replace('_I_', `_${layer}_`),
        usual: value(usual),
        original: value(original),
        effect,
      })),
    )
  })

const isKnown = (key: string) =>
  key in DEFAULTS || KNOWN.some(k => (typeof k === 'string' ? k === key : k.test(key)))

/** Where a hyperparameter counts: each of them must be read in one of these. */
const SETTINGS: readonly Params[] = [
  { loss: 'mae_poly', alpha: 1 },
  { hyperparam_space: 'block' },
  {
    hyperparam_space: 'layer',
    ...{ canc_num_layers: 9, drug_num_layers: 9, interaction_num_layers: 9 },
  },
]

const read = (params: Params) => readHyperparameters({ ...DEFAULTS, ...params })
const problems = (params: Params) => {
  const found = read(params)
  return 'problems' in found ? found.problems : []
}

t.test('the table has each hyperparameter that the code knows, once', t => {
  const names = rows.map(row => row.name)
  t.equal(new Set(names).size, names.length)
  for (const key of [...Object.keys(DEFAULTS), ...KNOWN.filter(k => typeof k === 'string')])
    t.ok(names.includes(key), `${key} is in the table`)
  for (const pattern of KNOWN.filter(k => k instanceof RegExp))
    t.ok(
      names.some(name => pattern.test(name)),
      `a name that ${pattern.source} matches is in it`,
    )
  t.end()
})

for (const { name, usual, original, effect } of rows)
  t.test(`${name} is ${effect}, as the table says`, t => {
    t.strictSame(usual, DEFAULTS[name], 'its default')
    switch (effect) {
      case 'used':
        t.ok(isKnown(name) && !IDLE.includes(name) && !(name in FIXED))
        if (/metadata$/.test(name))
          t.match(read({ [name]: 'note' }), { training: { ckpt: { metadata: 'note' } } })
        else
          t.ok(
            SETTINGS.some(setting =>
              problems({ ...setting, [name]: { no: 'value' } }).some(text =>
                text.includes(`"${name}" is`),
              ),
            ),
            'a value that makes no sense is refused by name',
          )
        break
      case 'idle':
        t.ok(IDLE.includes(name))
        for (const value of [{ no: 'value' }, null, 7])
          t.strictSame(read({ [name]: value }), read({}), 'changes nothing')
        break
      case 'fixed':
        t.strictSame(FIXED[name], original)
        t.strictSame(problems({ [name]: FIXED[name]! }), [])
        t.match(problems({ [name]: 'other' }), [`"${name}" is "other"`])
        break
      case 'replaced':
        t.match(name, REPLACED)
        break
      case 'refused':
        t.ok(isKnown(name), 'so that the error is told, not a warning')
        t.match(problems({ [name]: original as number }), [`"${name}" is`])
        break
      case 'unknown':
        t.notOk(isKnown(name) || REPLACED.test(name))
        break
      default:
        t.fail(`"${effect}" is no effect`)
    }
    t.end()
  })
