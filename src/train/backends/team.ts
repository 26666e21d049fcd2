/** One of the threads that go through the same work side by side, each with its own part of it. */
export interface Member {
  /** 0 … size − 1 */
  readonly rank: number
  readonly size: number
  /** Wait until all are here; what each has written before, all can read. @throws if one has failed */
  barrier(): void
  /** Have the others throw at their next barrier. */
  fail(): void
  /** The next of 0, 1, 2 …: no two members get the same one. For shares that may take unequal times. */
  draw(): number
  /** `draw` begins anew with 0. One member calls it, while the others wait at a barrier. */
  deal(): void
}

/** Places in the Int32Array that a team shares. */
const ARRIVED = 0
const ROUND = 1
const FAILED = 2
const DRAWN = 3
export const TEAM_WORDS = 4

/** Looks before a thread goes to sleep: some 100 µs, longer than most waits and no longer than a sleep costs. */
const LOOKS = 20_000

/** @param words TEAM_WORDS, shared and 0 at the start @param spin false: sleep at once, for crowded machines */
export function newMember(rank: number, size: number, words: Int32Array, spin: boolean): Member {
  const check = () => {
    if (Atomics.load(words, FAILED) !== 0) throw new Error('another thread of the trainer failed')
  }
  return {
    rank,
    size,
    barrier: () => {
      if (size === 1) return
      check()
      const round = Atomics.load(words, ROUND)
      if (Atomics.add(words, ARRIVED, 1) === size - 1) {
        Atomics.store(words, ARRIVED, 0)
        Atomics.add(words, ROUND, 1)
        Atomics.notify(words, ROUND)
      } else {
        for (let i = spin ? LOOKS : 0; i > 0 && Atomics.load(words, ROUND) === round; i--);
        while (Atomics.load(words, ROUND) === round) Atomics.wait(words, ROUND, round)
      }
      check()
    },
    fail: () => {
      Atomics.store(words, FAILED, 1)
      Atomics.add(words, ROUND, 1)
      Atomics.notify(words, ROUND)
    },
    draw: () => Atomics.add(words, DRAWN, 1),
    deal: () => void Atomics.store(words, DRAWN, 0),
  }
}

/** The part of 0 … length that falls to a member, in multiples of `unit` but for the end. */
export function share(
  length: number,
  { rank, size }: Pick<Member, 'rank' | 'size'>,
  unit: number,
): readonly [from: number, to: number] {
  const units = Math.ceil(length / unit)
  const at = (r: number) => Math.min(length, Math.floor((units * r) / size) * unit)
  return [at(rank), at(rank + 1)]
}
