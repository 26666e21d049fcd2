/**
 * How many of the `top` lowest true values are also among the `top` lowest predicted ones, as a share. Where values are
 * equal at the border, each has the same chance to be inside: the result is the expected share, whatever the order.
 *
 * @returns null for no more than `top` values: then all are top, and it would say nothing
 */
export function recallOfTop(
  aucTrue: ArrayLike<number>,
  aucPred: ArrayLike<number>,
  top: number,
): number | null {
  return recallsOfTop(aucTrue, aucPred, [top])[0]!
}

/** The same for several sizes: values are sorted once. */
export function recallsOfTop(
  aucTrue: ArrayLike<number>,
  aucPred: ArrayLike<number>,
  sizes: readonly number[],
): (number | null)[] {
  const both = [aucTrue, aucPred].map(values => ({
    values,
    sorted: Float64Array.from(values).sort(),
  }))
  const [inTrue, inPred] = both.map(() => new Float64Array(aucTrue.length)) as [Shares, Shares]
  return sizes.map(top => {
    if (aucTrue.length <= top) return null
    fillInside(both[0]!, top, inTrue)
    fillInside(both[1]!, top, inPred)
    let hits = 0
    for (let i = 0; i < inTrue.length; i++) hits += inTrue[i]! * inPred[i]!
    return hits / top
  })
}

type Shares = Float64Array

/** The chance of each value to be among the `top` lowest. */
function fillInside(
  { values, sorted }: { readonly values: ArrayLike<number>; readonly sorted: Float64Array },
  top: number,
  shares: Shares,
): void {
  const border = sorted[top - 1]!
  const below = sorted.indexOf(border)
  const tied = sorted.lastIndexOf(border) + 1 - below
  const share = (top - below) / tied
  for (let i = 0; i < shares.length; i++)
    shares[i] = values[i]! < border ? 1 : values[i] === border ? share : 0
}
