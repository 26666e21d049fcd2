import { createHash } from 'node:crypto'

/** The partition once more, from its description alone: plain lists, Philox4x32-10 over BigInt. */

const WORD = 0xffffffffn

/** Word i of counter (stream, epoch, step 0, i >> 2). */
function word(key: readonly [bigint, bigint], stream: bigint, epoch: bigint, i: number): bigint {
  let [k0, k1] = key
  let c: readonly [bigint, bigint, bigint, bigint] = [stream, epoch, 0n, BigInt(i >> 2)]
  for (let round = 0; round < 10; round++) {
    const a = 0xd2511f53n * c[0]
    const b = 0xcd9e8d57n * c[2]
    c = [(b >> 32n) ^ c[1] ^ k0, b & WORD, (a >> 32n) ^ c[3] ^ k1, a & WORD]
    k0 = (k0 + 0x9e3779b9n) & WORD
    k1 = (k1 + 0xbb67ae85n) & WORD
  }
  return c[i % 4]!
}

/** The last `count` of the rows after as many steps of Fisher–Yates from the end. */
function drawn(rows: readonly number[], count: number, seed: number, name: string, epoch: number) {
  const digest = createHash('sha256').update(name).digest()
  const key = [BigInt(seed), BigInt(digest.readUInt32LE(0))] as const
  const list = [...rows]
  for (let k = 0; k < count; k++) {
    const i = list.length - 1 - k
    const j = Number((word(key, 1n, BigInt(epoch), k) * BigInt(i + 1)) >> 32n)
    const held = list[i]!
    list[i] = list[j]!
    list[j] = held
  }
  return list.slice(list.length - count)
}

const ascending = (rows: Iterable<number>) => [...rows].sort((a, b) => a - b)
const without = (rows: readonly number[], some: readonly number[]) =>
  rows.filter(row => !some.includes(row))

/** Of rows whose drug or cell is `name`, and all others. */
export function plainHoldOut(
  all: readonly number[],
  isHeld: (row: number) => boolean,
  seed: number,
  name: string,
) {
  const rest = all.filter(row => !isHeld(row))
  const val = drawn(rest, Math.ceil(rest.length / 5), seed, name, 0)
  return { test: all.filter(isHeld), val: ascending(val), train: without(rest, val) }
}

export function plainRandom(all: readonly number[], seed: number) {
  const some = drawn(all, Math.ceil(all.length / 5), seed, 'random', 0)
  const vals = Math.floor(some.length / 2)
  return {
    test: ascending(some.slice(vals)),
    val: ascending(some.slice(0, vals)),
    train: without(all, some),
  }
}

export function plainSubset(
  { train, val }: { readonly train: readonly number[]; readonly val: readonly number[] },
  seed: number,
  name: string,
) {
  return {
    train: ascending(drawn(train, Math.min(4000, train.length), seed, name, 1)),
    val: ascending(drawn(val, Math.min(500, val.length), seed, name, 2)),
  }
}
