import { el, section } from './dom.js'
import { rowOf } from './figure.js'
import { count } from './format.js'
import type { Model } from './model.js'

/** How the numbers were made, so that others can make them again. */
export function methodSection({ experiment: e, resamples }: Model): HTMLElement {
  const said = [
    'RMSE of a held-out drug is the root of the mean square error over all test rows. Several RUNs of one drug, which differ by their seed, are one drug: the error is over the rows of all of them, so that it is that of a typical RUN and not of their mean; R², Pearson, Spearman and validation RMSE are means over the RUNs. A mean over drugs gives each drug the same weight.',
    'Error by cell, recall and Spearman by cell are those of cells.csv: replicates, and RUNs of the same drug, are averaged before anything else, so that each drug counts once in a cell. Test sets drawn at random name no drugs: there each row counts.',
    `Intervals are 95 % percentile intervals of the bootstrap with a fixed seed: ${count(resamples.means)} resamples for a mean, ${count(resamples.each)} for each drug and cell. For a drug its cells are drawn, each with all its rows, as these are not independent; for a cell the drugs are drawn; for a mean over drugs or cells these. They tell how much the choice of cells or drugs matters, not what another training with another seed would give.`,
    'The high-error tail lies above Q3 + 1.5 (Q3 − Q1) of the RMSE of all drugs (Tukey), and is told from 8 drugs on.',
    'Recall of the top k: of the k drugs with the truly lowest AUC in a cell, the share among the k lowest predicted. A cell counts with more than k drugs. Of equal values at the border each has the same chance to be inside.',
    '“Replicates differ by” is the standard deviation of the true values around the mean of their drug and cell: no model of drug and cell can have a lower RMSE on them.',
    'A rank is idle when no attempt is in its hands while a leader leads. R², Pearson and Spearman are those of test_scores.json; constant values have none.',
    'Values in scatter plots are rounded to 4 decimals (3 in very large sweeps); tables and scores were computed before rounding.',
  ]
  const settings = Object.entries(e.shared)
  return section(
    'method',
    'How to read the numbers|Method',
    el('ul', {}, ...said.map(text => el('li', {}, text))),
    el(
      'details',
      {},
      el('summary', {}, 'Settings and data'),
      el(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Settings and data' },
        el(
          'table',
          {},
          el('caption', {}, `${e.dflts}: what all RUNs share`),
          el('tbody', {}, ...settings.map(([key, value]) => rowOf([key, JSON.stringify(value)]))),
        ),
        e.data.length === 0
          ? null
          : el(
              'table',
              {},
              el('caption', {}, 'Data files'),
              el(
                'tbody',
                {},
                ...e.data.map(f =>
                  rowOf([f.name, `${count(f.bytes)} bytes`, `sha256 ${f.sha256.slice(0, 16)}…`]),
                ),
              ),
            ),
      ),
    ),
    el(
      'p',
      { class: 'muted' },
      e.id === null
        ? 'An experiment of the original workflow.'
        : `Experiment ${e.id}, made by upf-heds ${e.version ?? '?'}.`,
    ),
  )
}
