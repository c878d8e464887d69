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

/**
 * Places buffers so that two whose lifetimes meet never share a byte. Greedy by size: the largest buffer first, each in
 * the lowest gap left by those already placed that are alive with it. Deterministic, and close to the lower bound (the
 * largest sum of sizes alive at one step) on networks.
 */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes.map((_, index) => index);
  order.sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
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
  let most = 0;
  for (const at of lifetimes) {
    let alive = 0;
    for (const other of lifetimes) if (other.from <= at.from && at.from <= other.to) alive += align(other.bytes);
    most = Math.max(most, alive);
  }
  return most;
}

function meet(a: Lifetime, b: Lifetime): boolean {
  return a.from <= b.to && b.from <= a.to;
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
