import { writeAtomic } from '../../src/base/files.js'

/**
 * A predictions file: header `auc_true,auc_pred,labels`; 6 decimals; labels are the cells, in the order
 * of the responses. Quoted as RFC 4180 says where a label needs it. The header alone for no rows.
 */
export async function writePredictions(
  path: string,
  yTrue: Float64Array,
  yPred: Float32Array,
  labels: readonly string[],
): Promise<void> {
  const lines = ['auc_true,auc_pred,labels']
  for (let i = 0; i < yTrue.length; i++)
    lines.push(`${decimals(yTrue[i]!)},${decimals(yPred[i]!)},${quoted(labels[i]!)}`)
  await writeAtomic(path, `${lines.join('\n')}\n`)
}

/** Six decimals, and no minus before zero. */
export function decimals(value: number): string {
  return value.toFixed(6).replace(/^-(0\.0+)$/, '$1')
}

/** As RFC 4180 says. */
export function quoted(label: string): string {
  return /[",\r\n]/.test(label) ? `"${label.replaceAll('"', '""')}"` : label
}
