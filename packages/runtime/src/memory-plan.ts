/** Bytes that are needed from step `from` to step `to`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface MemoryPlan {
  /** Offset of every lifetime, in the order given, 16-byte aligned. */
  readonly offsets: readonly number[];
  /** Bytes of the block that holds them all. */
  readonly totalBytes: number;
}

const ALIGNMENT = 16;

/** Which of two lifetimes is placed first: a negative number when it is `a`. */
type Preference = (a: Lifetime, b: Lifetime) => number;

/**
 * Each fails on other networks: where small values live long (attention, residual paths) placing by size scatters them in
 * the middle of the block; where large ones follow each other closely, placing by duration does so with those.
 */
const PREFERENCES: readonly Preference[] = [
  (a, b) => b.bytes - a.bytes,
  (a, b) => duration(b) - duration(a) || b.bytes - a.bytes,
  (a, b) => b.bytes * duration(b) - a.bytes * duration(a),
];

/**
 * Places buffers so that two whose lifetimes meet never share a byte. Greedy: one buffer after the other, each in the lowest
 * gap left by those already placed that are alive with it; largest first, and where that is not yet the lower bound, by
 * the other preferences, of which the best result is taken. Deterministic.
 */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const least = lowerBound(lifetimes);
  let best: MemoryPlan | undefined;
  for (const preference of PREFERENCES) {
    const plan = placeBy(preference, lifetimes);
    if (best === undefined || plan.totalBytes < best.totalBytes) best = plan;
    if (best.totalBytes === least) break;
  }
  return best!;
}

function placeBy(preference: Preference, lifetimes: readonly Lifetime[]): MemoryPlan {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes.map((_, index) => index);
  order.sort((a, b) => preference(lifetimes[a]!, lifetimes[b]!) || a - b);
  const placed: number[] = [];
  let totalBytes = 0;
  for (const index of order) {
    const rivals = placed.filter((other) => meet(lifetimes[index]!, lifetimes[other]!));
    rivals.sort((a, b) => offsets[a]! - offsets[b]!);
    const bytes = align(lifetimes[index]!.bytes);
    let offset = 0;
    for (const other of rivals) {
      if (offset + bytes <= offsets[other]!) break;
      offset = Math.max(offset, offsets[other]! + align(lifetimes[other]!.bytes));
    }
    offsets[index] = offset;
    totalBytes = Math.max(totalBytes, offset + bytes);
    placed.push(index);
  }
  return { offsets, totalBytes };
}

/** The largest number of bytes alive at one step: no plan can be smaller. */
export function lowerBound(lifetimes: readonly Lifetime[]): number {
  const starts = [...lifetimes].sort((a, b) => a.from - b.from);
  const ends = [...lifetimes].sort((a, b) => a.to - b.to);
  let most = 0;
  let alive = 0;
  let ended = 0;
  for (const { from, bytes } of starts) {
    for (; ended < ends.length && ends[ended]!.to < from; ended++) alive -= align(ends[ended]!.bytes);
    alive += align(bytes);
    most = Math.max(most, alive);
  }
  return most;
}

function meet(a: Lifetime, b: Lifetime): boolean {
  return a.from <= b.to && b.from <= a.to;
}

/** Steps; values that outlive the run count as longer than all others. */
function duration({ from, to }: Lifetime): number {
  return Math.min(to, Number.MAX_SAFE_INTEGER) - from;
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
